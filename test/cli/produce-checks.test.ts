import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { producedFiles } from '../../functions/cli/produced-files.ts'
import { findSources } from '../../functions/files/sources.ts'
import type { LogAddress } from '../../functions/runtime/config/log-address.ts'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { runProduce } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const AGAIN = /was published to this log before, at \d{4}-\d\d-\d\dT[\d:.]+Z: its events count again/

it('npm run produce -- --dry-run says what would be published and refused, and publishes nothing', async () => {
  const folder = temporaryFolder()
  const state = join(folder, 'state')
  const [event] = someEvents(1)
  const file = writeEvents(join(folder, 'events.csv'), [
    ...someEvents(3),
    { ...event, class_name: 'Moon' } as typeof event & object,
  ])
  const args = ['--data', file, '--state', state, '--dry-run']
  const found = await runProduce(args).finished
  expect(found.stdout).toMatch(/events\.csv: 3 events; .* 1 of unknown classes: "Moon" 1; 0 rejected\n/)
  expect(found.stdout).toMatch(/dry run: nothing was changed\n$/)
  expect(found).toMatchObject({ code: 1, stderr: expect.stringContaining('"Moon" is not one of the known classes') })
  expect(existsSync(state)).toBe(false)
})

it('npm run produce warns of a file that was published to the same log before, also under another name', async () => {
  const folder = temporaryFolder()
  const state = join(folder, 'state')
  const file = writeEvents(join(folder, 'events.csv'), someEvents(3))
  const same = writeEvents(join(folder, 'copy.csv'), someEvents(3))
  const produce = (data: string, into = state) => runProduce(['--data', data, '--state', into, '--delay', '0']).finished
  expect(await produce(file)).toMatchObject({ code: 0, stderr: '' })
  expect(await produce(file)).toMatchObject({ code: 0, stderr: expect.stringMatching(AGAIN) })
  expect(await produce(same)).toMatchObject({ code: 0, stderr: expect.stringMatching(AGAIN) })
  expect(await produce(file, join(folder, 'other'))).toMatchObject({ code: 0, stderr: '' })
  appendFileSync(file, '\n')
  expect((await produce(file)).stderr).not.toMatch(AGAIN)
})

it('a file that was published to a log is known for that log only, for any kind of log', async () => {
  const folder = temporaryFolder()
  const objects = openFolderObjectStore(join(folder, 'objects'))
  const { sources } = await findSources(writeEvents(join(folder, 'events.csv'), someEvents(3)))
  const logs: (LogAddress | undefined)[] = [
    undefined,
    { kind: 'kinesis', stream: 'images' },
    { kind: 'kafka', brokers: ['localhost:9092'], topic: 'images' },
    { kind: 'kafka', brokers: ['localhost:9092'], topic: 'others' },
  ]
  const to = (log: LogAddress | undefined) => producedFiles(objects, sources, log)
  for (const [published, log] of logs.entries()) {
    for (const [index, other] of logs.entries()) {
      const before = await (await to(other)).before()
      expect([index, before.length]).toEqual([index, index < published ? 1 : 0])
    }
    await (await to(log)).remember(Date.UTC(2026, 5, 1))
    expect(await (await to(log)).before()).toEqual([
      expect.stringMatching(
        /events\.csv was published to this log before, at 2026-06-01T00:00:00\.000Z: its events count again/,
      ),
    ])
  }
})
