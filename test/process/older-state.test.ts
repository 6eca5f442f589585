import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { someEvents } from '../support/events-csv.ts'
import { eventually, runBatch, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Unpacks the file that test/fixtures/make-state.ts has packed. */
function unpack(name: string): string {
  const folder = join(temporaryFolder(), 'state')
  const packed = gunzipSync(readFileSync(join(import.meta.dirname, '../fixtures', name))).toString()
  for (const [path, content] of Object.entries(JSON.parse(packed) as Record<string, string>)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), Buffer.from(content, 'base64'))
  }
  return folder
}

it('a state of format 1 is opened with its totals, continues to count, and recognises its store afterwards', async () => {
  const state = unpack('state-format-1.json.gz')
  const system = await startSystem(state)
  const sums = (await system.classStats()).map(row => [row.class_name, row.count, row.ndvi_avg])
  // Computed by hand from the events that make-state.ts sends.
  const sent = Array.from({ length: 18 }, (_, n) => ((n * 37) % 200) / 100 - 1)
  for (const [index, name] of ['Forest', 'SeaLake', 'River'].entries()) {
    const own = sent.filter((_, n) => n % 3 === index)
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length
    expect(sums).toContainEqual([name, own.length, expect.closeTo(mean, 9)])
  }
  const body = someEvents(3)
    .map(event => JSON.stringify(event))
    .join('\n')
  const headers = { 'Content-Type': 'application/x-ndjson' }
  expect((await fetch(`${system.url}/api/events`, { method: 'POST', headers, body })).status).toBe(202)
  await eventually(system.classStats, rows => totalCount(rows) === 21)
  await system.interrupt()
  const settings = JSON.parse(readFileSync(join(state, 'landcover.json'), 'utf8'))
  expect(settings).toMatchObject({ format: 3, slotMs: 10_000, systemId: expect.stringMatching(/./) })
  expect(await runBatch(['--state', state]).finished).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('view '),
  })
})
