import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lossyLines } from '../../../functions/adapters/files/lossy-lines.ts'
import { rollingFile } from '../../../functions/adapters/files/rolling-file.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

it('a line that cannot be written is lost and reported, and the next line is written when that is possible again', () => {
  const file = join(temporaryFolder(), 'metrics.ndjson')
  mkdirSync(file)
  const lost: string[] = []
  const write = lossyLines(rollingFile(file, 1_000_000), error => lost.push(String(error)))
  write('one\n')
  write('two\n')
  expect(lost).toHaveLength(2)
  expect(lost[0]).toContain('EISDIR')
  rmdirSync(file)
  write('three\n')
  expect(readFileSync(file, 'utf8')).toBe('three\n')
  expect(lost).toHaveLength(2)
})
