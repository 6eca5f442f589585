import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { wireEvent } from '../support/factories.ts'
import { run } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

it('the table of log cases has the events and refusals of each record, and names those that are wrong', async () => {
  const folder = temporaryFolder()
  const event = JSON.stringify(wireEvent({ timestamp: '2024-06-11T08:00:00Z' }))
  const put = (name: string, bytes: string | Uint8Array) => writeFileSync(join(folder, name), bytes)
  put('a-array.bin', gzipSync(`[${event},${event}]`))
  put('b-python.bin', "{'image_id': 'a'}")
  const table = (expected: object) => {
    put('expected.json', JSON.stringify(expected))
    return run('test/tools/log-cases.ts', [folder]).finished
  }
  const right = await table({ 'a-array': 2, 'b-python': 1 })
  expect(right).toMatchObject({ code: 0, stdout: expect.stringContaining('| a-array | 2 | 2 |  | right |') })
  expect(right.stdout).toMatch(/\| b-python \| 1 \| 0 \| not-json: .+ \| right \|/)
  const wrong = await table({ 'a-array': 3, 'b-python': 1 })
  expect(wrong).toMatchObject({ code: 1, stdout: expect.stringContaining('| a-array | 3 | 2 |  | WRONG |') })
})
