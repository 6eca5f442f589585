import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { rollingFile } from '../../../functions/adapters/files/rolling-file.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

it('keeps the newest lines, and at most two files of the given size', () => {
  const folder = temporaryFolder()
  const file = join(folder, 'metrics.ndjson')
  const write = rollingFile(file, 1_000)
  expect(existsSync(file)).toBe(false)
  const lines = Array.from({ length: 500 }, (_, index) => `${index}`.padEnd(19, 'ü'))
  for (const line of lines) write(`${line}\n`)
  expect(readdirSync(folder).sort()).toEqual(['metrics.ndjson', 'metrics.ndjson.old'])
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThan(1_100)
  const kept = [`${file}.old`, file].flatMap(each => readFileSync(each, 'utf8').trimEnd().split('\n'))
  expect(kept.length).toBeGreaterThan(25)
  expect(kept).toEqual(lines.slice(-kept.length))
})

it('begins a new file when the size is reached, and not before', () => {
  const file = join(temporaryFolder(), 'metrics.ndjson')
  const write = rollingFile(file, 12)
  for (const line of ['first\n', 'other\n', 'third\n']) write(line)
  expect([`${file}.old`, file].map(each => readFileSync(each, 'utf8'))).toEqual(['first\nother\n', 'third\n'])
})

it('continues an existing file', () => {
  const file = join(temporaryFolder(), 'metrics.ndjson')
  rollingFile(file, 10)('before\n')
  rollingFile(file, 10)('behind\n')
  expect(readFileSync(file, 'utf8')).toBe('before\nbehind\n')
  rollingFile(file, 10)('further\n')
  expect(readFileSync(file, 'utf8')).toBe('further\n')
})
