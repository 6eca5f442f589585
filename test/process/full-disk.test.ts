import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { someEvents } from '../support/events-csv.ts'
import { eventually, type System, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** A small disk; undefined where disks cannot be mounted: only root may do that, and few containers. */
function smallDisk(): { folder: string; fill(): void; empty(): void } | undefined {
  const folder = temporaryFolder()
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status !== 0) return undefined
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]))
  const filler = join(folder, 'filler')
  return {
    folder,
    fill() {
      while (statfsSync(folder).bavail > 0) {
        try {
          writeFileSync(filler, Buffer.alloc(64 * 1024), { flag: 'a' })
        } catch (error) {
          // The rest is less than one piece, so single bytes fill it up.
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        }
      }
    },
    empty: () => rmSync(filler),
  }
}

function post({ url }: System, key: string, count: number): Promise<Response> {
  return fetch(`${url}/api/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': key },
    body: someEvents(count)
      .map(event => JSON.stringify(event))
      .join('\n'),
  })
}

const counted = (system: System, count: number) => eventually(system.classStats, rows => totalCount(rows) === count)

/** Lets the disk take no more bytes from a process, or any number. The disk is the same for other processes. */
function limitFiles({ child }: System, soft: 0 | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', `${child.pid}`, `--fsize=${soft}:`])
}

/** Programs that start another one with file sizes of 0, and without root's right to write everything. */
const WITHOUT_ROOM = ['prlimit', '--fsize=0:']
const WITHOUT_RIGHTS = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override'] : []

const works = ([program, ...flags]: readonly string[]) =>
  program === undefined || spawnSync(program, [...flags, 'true']).status === 0

function makeWritable(folder: string, isWritable: boolean): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) chmodSync(path, isWritable ? 0o755 : 0o555)
    else chmodSync(path, isWritable ? 0o644 : 0o444)
  }
  chmodSync(folder, isWritable ? 0o755 : 0o555)
}

/** Starts a system, lets it count 3 events, and stops it. */
async function stateOfThree(state: string): Promise<void> {
  const system = await startSystem(state, ['--slot', '10s'])
  expect((await post(system, 'a', 3)).status).toBe(202)
  await counted(system, 3)
  expect((await system.interrupt()).code).toBe(0)
}

/** Expects that a system whose disk refuses writes reads, and gives a reason for each write that it refuses. */
async function expectReadsOnly(system: System, reason: RegExp): Promise<void> {
  await counted(system, 3)
  const refused = await post(system, 'b', 4)
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({
    title: 'The disk of the log refuses writes',
    detail: expect.stringMatching(reason),
  })
  const { reasons } = await eventually(system.health, ({ reasons }) => reasons.some(each => reason.test(each)))
  expect(reasons.join()).toContain('Appending to the event log fails')
  await counted(system, 3)
}

/** Expects that a system whose disk takes writes again counts a request once that was refused before. */
async function expectRecovery(system: System): Promise<void> {
  await eventually(
    () => post(system, 'b', 4),
    ({ status }) => status === 202,
  )
  await counted(system, 7)
  await eventually(system.health, ({ status }) => status === 'ok')
  expect((await system.interrupt()).code).toBe(0)
}

const REFUSED_BYTES = /log\.sqlite had a disk error: check whether the disk is full/
const READ_ONLY = /log\.sqlite is read-only: check whether its disk is mounted read-only/

describe('a disk that refuses writes', () => {
  it.skipIf(!works(WITHOUT_ROOM))('does not end a running system, which recovers by itself', async () => {
    const system = await startSystem(join(temporaryFolder(), 'state'), ['--slot', '10s'])
    expect((await post(system, 'a', 3)).status).toBe(202)
    await counted(system, 3)
    limitFiles(system, 0)
    await expectReadsOnly(system, REFUSED_BYTES)
    await eventually(
      async () => system.stderr(),
      text => text.includes('metrics: a line is lost'),
    )
    limitFiles(system, 'unlimited')
    await expectRecovery(system)
  })

  it.skipIf(!works(WITHOUT_ROOM))('does not prevent a start: the system reads, and recovers by itself', async () => {
    const state = join(temporaryFolder(), 'state')
    await stateOfThree(state)
    const system = await startSystem(state, [], {}, WITHOUT_ROOM)
    await expectReadsOnly(system, REFUSED_BYTES)
    limitFiles(system, 'unlimited')
    await expectRecovery(system)
  })

  it.skipIf(!works(WITHOUT_RIGHTS))(
    'may be read-only at the start: the system reads, and recovers by itself',
    async () => {
      const state = join(temporaryFolder(), 'state')
      await stateOfThree(state)
      makeWritable(state, false)
      onTestFinished(() => makeWritable(state, true))
      const system = await startSystem(state, [], {}, WITHOUT_RIGHTS)
      await expectReadsOnly(system, READ_ONLY)
      makeWritable(state, true)
      await expectRecovery(system)
    },
  )

  it('may be full at the start: the system reads after a kill and after a stop, and recovers by itself', async context => {
    const disk = smallDisk()
    if (!disk) return context.skip('disks cannot be mounted here')
    const state = join(disk.folder, 'state')
    const system = await startSystem(state, ['--slot', '10s'])
    expect((await post(system, 'a', 3)).status).toBe(202)
    await counted(system, 3)
    disk.fill()
    await expectReadsOnly(system, /log\.sqlite .* its disk/)
    await system.kill()
    const killed = await startSystem(state)
    await counted(killed, 3)
    expect((await killed.interrupt()).code).toBe(0)
    // The stop has made room.
    disk.fill()
    const stopped = await startSystem(state)
    await counted(stopped, 3)
    disk.empty()
    await expectRecovery(stopped)
  })
})

it('a metric that cannot be written does not end the system', async () => {
  const state = join(temporaryFolder(), 'state')
  mkdirSync(join(state, 'metrics.ndjson'), { recursive: true })
  const system = await startSystem(state, ['--slot', '10s'])
  expect((await post(system, 'a', 3)).status).toBe(202)
  await eventually(
    async () => system.stderr(),
    text => text.split('metrics: a line is lost').length >= 2,
  )
  // The archive's thread writes through the same file.
  await eventually(system.health, ({ batch }) => batch.last_run_at !== null)
  await counted(system, 3)
  const { code, stderr } = await system.interrupt()
  expect(code).toBe(0)
  expect(stderr.match(/metrics: a line is lost/g)?.length).toBeLessThan(10)
})
