import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { someEvents } from '../support/events-csv.ts'
import { eventually, type System, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** A small disk. Only root may mount one, as in CI. */
function smallDisk(): { folder: string; fill(): void; empty(): void } {
  const folder = temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder])
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

describe('a full disk', () => {
  it.skipIf(process.getuid?.() !== 0)(
    'ends no system: reads go on, writes say why not, and all goes on when there is room again (needs root)',
    async () => {
      const disk = smallDisk()
      const state = join(disk.folder, 'state')
      const system = await startSystem(state, ['--slot', '10s'])
      expect((await post(system, 'a', 3)).status).toBe(202)
      await counted(system, 3)
      disk.fill()
      const refused = await post(system, 'b', 4)
      expect(refused.status).toBe(503)
      expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/log\.sqlite .* its disk/) })
      await eventually(
        async () => system.stderr(),
        text => text.includes('metrics: a line is lost'),
      )
      await counted(system, 3)
      await system.health()

      await system.kill()
      const again = await startSystem(state)
      await counted(again, 3)
      disk.empty()
      await eventually(
        () => post(again, 'b', 4),
        ({ status }) => status === 202,
      )
      await counted(again, 7)
      expect((await again.interrupt()).code).toBe(0)
    },
  )
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
