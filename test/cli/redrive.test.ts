import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { eventually, runProduce, runRedrive, startSystem, totalCount } from '../support/landcover.ts'
import { recordsOfLog } from '../support/log-content.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SLOT_MS = 2_000
const KNOWN = 20
const UNKNOWN = 300

/** A system that has refused events of a class, and is started again with that class. */
async function systemThatLearned() {
  const folder = temporaryFolder()
  const state = join(folder, 'state')
  const events = someEvents(KNOWN + UNKNOWN).map((event, index) =>
    index < UNKNOWN ? { ...event, class_name: 'Wetland' } : event,
  )
  const before = await startSystem(state, ['--slot', '2s'])
  const file = writeEvents(join(folder, 'events.csv'), events)
  await runProduce(['--data', file, '--state', state, '--limit', '0', '--delay', '0']).finished
  await eventually(before.health, ({ quarantine }) => quarantine.count === UNKNOWN)
  await before.interrupt()
  const classes = join(folder, 'classes.csv')
  writeFileSync(classes, 'class_name\nWetland\n')
  const system = await startSystem(state, ['--classes', classes])
  await sleep(SLOT_MS)
  return { state, system }
}

const redrive = (state: string, ...flags: string[]) => runRedrive(['--state', state, ...flags]).finished

describe('npm run redrive', () => {
  it('counts what was refused once, through a kill and several runs at once, and keeps the entries', async () => {
    const { state, system } = await systemThatLearned()
    const listed = await redrive(state, '--list')
    expect(listed).toMatchObject({ code: 0, stderr: '' })
    expect(listed.stdout).toMatch(
      /^reason +entries +ready +redriven +uncertain +bad +first arrival +last arrival +e\.g\.\n/,
    )
    expect(listed.stdout).toMatch(
      /\nunknown-class +300 +300 +0 +0 +0 +\d{4}-\S+Z +\d{4}-\S+Z +embedded-\S+ \d+ line \d+\n$/,
    )

    const detailed = await redrive(state, '--list', '--detail')
    expect(detailed.stdout.match(/ line \d+ {2}\S+Z {2}unknown-class \(ready\)\n {2}class_name is not /g)).toHaveLength(
      300,
    )
    expect(detailed.stdout).toMatch(/\n {2}\d+ bytes: \{"/)

    expect((await redrive(state, '--reason', 'not-json')).stdout).toBe(
      '0 entries redriven: the log has their 0 events\n',
    )
    expect((await redrive(state, '--limit', '7')).stdout).toBe(
      '7 entries redriven: the log has their 7 events\nstopped at --limit: there are more\n',
    )

    const killed = runRedrive(['--state', state])
    await eventually(
      async () => (await recordsOfLog(state)).filter(([header]) => header?.includes('"redrive-')).length,
      redriven => redriven > 7,
    )
    killed.child.kill('SIGKILL')
    await killed.finished
    const both = await Promise.all([redrive(state), redrive(state)])
    for (const { code, stdout } of both) {
      expect(code).toBe(0)
      expect(stdout).toMatch(/^\d+ (entry|entries) redriven: the log has their \d+ events?\n/)
    }
    expect((await redrive(state)).stdout).toBe(
      '0 entries redriven: the log has their 0 events\n300 entries redriven before\n',
    )
    expect((await redrive(state, '--list')).stdout).toMatch(/\nunknown-class +300 +0 +300 +0 +0 /)

    const count = async () => totalCount(await system.classStats())
    await eventually(count, now => now >= KNOWN + UNKNOWN)
    // Time for a copy to be counted, if one were.
    await sleep(SLOT_MS)
    expect(await count()).toBe(KNOWN + UNKNOWN)
    expect((await system.health()).quarantine.count).toBe(UNKNOWN)
  })

  it('does not show the content of an entry', async () => {
    const { state } = await systemThatLearned()
    for (const flags of [['--list'], []]) {
      const { code, stdout, stderr } = await redrive(state, ...flags)
      expect(code).toBe(0)
      expect(stdout + stderr).not.toMatch(/Wetland|image-|2026-01-01/)
    }
  })

  it.each([
    [['--reason', 'boredom'], "--reason: there is no reason 'boredom'"],
    [['--limit', '0'], '--limit takes a whole number from 1'],
    [['--list', '--limit', '3'], '--limit: a list changes nothing'],
    [['--detail'], '--detail: belongs to --list'],
  ])('refuses %j', async (flags, message) => {
    const { code, stderr } = await redrive(join(temporaryFolder(), 'state'), ...flags)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  it('says that a folder has no state', async () => {
    const { code, stderr } = await redrive(join(temporaryFolder(), 'none'))
    expect(code).toBe(1)
    expect(stderr).toContain('there is no landcover state in')
  })

  it('says that nothing is quarantined', async () => {
    const state = join(temporaryFolder(), 'state')
    await startSystem(state)
    for (const flags of [['--list'], ['--list', '--detail']]) {
      expect(await redrive(state, ...flags)).toMatchObject({ code: 0, stdout: 'nothing is quarantined\n' })
    }
    expect(await redrive(state)).toMatchObject({ code: 0, stdout: '0 entries redriven: the log has their 0 events\n' })
  })
})
