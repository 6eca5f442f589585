import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { logFile, storeFile } from '../../functions/runtime/local/state.ts'
import { someEvents } from '../support/events-csv.ts'
import { eventually, run, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Begins a transaction in each file, prints that, and keeps them open until it is told to continue. */
const HOLDER = `
  import { DatabaseSync } from 'node:sqlite'
  const databases = process.argv.slice(2).map(file => new DatabaseSync(file, { timeout: 60_000 }))
  for (const database of databases) database.exec('BEGIN IMMEDIATE')
  process.once('SIGCONT', () => {
    for (const database of databases) database.exec('COMMIT')
    process.exit(0)
  })
  setInterval(() => {}, 1_000)
  process.stdout.write('holding')
`

it('a process that is stopped inside a transaction delays no answer, and no event is lost or duplicated', async () => {
  const state = join(temporaryFolder(), 'state')
  const system = await startSystem(state)
  const script = join(temporaryFolder(), 'holder.mjs')
  writeFileSync(script, HOLDER)
  const holder = run(script, [logFile(state), storeFile(state)])
  await eventually(
    async () => holder.stdout(),
    text => text === 'holding',
  )
  holder.child.kill('SIGSTOP')

  let isPosted = false
  const posted = fetch(`${system.url}/api/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': 'a' },
    body: someEvents(3)
      .map(event => JSON.stringify(event))
      .join('\n'),
  }).then(response => {
    isPosted = true
    return response.status
  })
  // Answers of half a second. A wait in their thread would delay each by whole seconds.
  for (let answer = 0; answer < 20; answer++) {
    await system.health()
    expect(totalCount(await system.classStats())).toBe(0)
  }
  expect(isPosted).toBe(false)
  holder.child.kill('SIGCONT')
  expect(await posted).toBe(202)
  await eventually(system.classStats, rows => totalCount(rows) >= 3)
  expect(totalCount(await system.classStats())).toBe(3)
  expect((await holder.finished).code).toBe(0)
})
