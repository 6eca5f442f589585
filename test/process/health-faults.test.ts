import { closeSync, mkdirSync, openSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { someEvents } from '../support/events-csv.ts'
import { eventually, runStart, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const post = (url: string, events: unknown[]) =>
  fetch(`${url}/api/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: events.map(event => JSON.stringify(event)).join('\n'),
  })

/** Overwrites the pages of the records, and makes all processes that use the file read them. */
function damageRecords(file: string): void {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA busy_timeout = 5000')
  while (database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy !== 0) {}
  const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.page_size)
  const pages = statSync(file).size / pageBytes
  expect(pages).toBeGreaterThan(10)
  const descriptor = openSync(file, 'r+')
  // The schema lies before these pages.
  for (let page = 2; page < pages; page++) {
    writeSync(descriptor, Buffer.alloc(pageBytes, 0xff), 0, pageBytes, page * pageBytes)
  }
  closeSync(descriptor)
  database.exec('PRAGMA application_id = 1')
  database.close()
}

it('a damaged log is a reason in health within seconds, and each POST gets a problem', async () => {
  const state = join(temporaryFolder(), 'state')
  const system = await startSystem(state)
  for (let request = 0; request < 30; request++) {
    const events = someEvents(20).map(event => ({ ...event, image_id: `${request} ${event.image_id}` }))
    expect((await post(system.url, events)).status).toBe(202)
  }
  await eventually(system.classStats, rows => totalCount(rows) === 600)
  damageRecords(join(state, 'log.sqlite'))

  const { reasons } = await eventually(system.health, told => told.reasons.some(reason => reason.includes('layer')))
  expect(reasons.join('\n')).toMatch(/log\.sqlite is damaged \(.*malformed\): .*npm run restore/)
  const refused = await post(system.url, someEvents(1))
  expect([refused.status, refused.headers.get('content-type')]).toEqual([503, 'application/problem+json'])
  expect((await system.health()).reasons.join('\n')).toContain('Appending to the event log fails')
  expect(totalCount(await system.classStats())).toBe(600)
})

it.each([
  ['log.sqlite', 'cut off', (file: string) => truncateSync(file, 20_000)],
  ['store.sqlite', 'another file', (file: string) => writeFileSync(file, 'no database '.repeat(2_000))],
])('a start refuses a %s that is %s, names it, and says what to do', async (name, _, harm) => {
  const state = join(temporaryFolder(), 'state')
  const system = await startSystem(state)
  for (let request = 0; request < 3; request++) expect((await post(system.url, someEvents(50))).status).toBe(202)
  await eventually(system.classStats, rows => totalCount(rows) === 150)
  await system.interrupt()
  harm(join(state, name))
  const { code, stderr } = await runStart(['--no-demo', '--port', '0', '--state', state]).finished
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(new RegExp(`${name} is damaged \\(.*\\): .*npm run restore`)),
  ])
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

it('a class list that cannot be read is a problem of each POST and a reason in health, at once', async () => {
  const state = join(temporaryFolder(), 'state')
  mkdirSync(join(state, 'objects/reference'), { recursive: true })
  const system = await startSystem(state)
  expect((await system.health()).status).toBe('ok')
  mkdirSync(join(state, 'objects/reference/classes.csv'))
  const { status, reasons } = await system.health()
  expect(status).toBe('degraded')
  expect(reasons).toEqual([expect.stringContaining('reference/classes.csv')])
  const refused = await post(system.url, someEvents(1))
  expect([refused.status, refused.headers.get('content-type')]).toEqual([503, 'application/problem+json'])
  expect(await refused.json()).toMatchObject({ title: 'The class list cannot be read' })
})
