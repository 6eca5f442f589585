import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { PLANTED_APPEND_BUGS, PLANTED_BATCH_BUGS } from '../simulation/planted-batch-bugs.ts'
import { PLANTED_BUGS, withBug } from '../simulation/planted-bugs.ts'
import { PLANTED_FILE_BUGS } from '../simulation/planted-file-bugs.ts'
import { PLANTED_IMPORT_BUGS } from '../simulation/planted-import-bugs.ts'
import { simulate, simulateAppends } from '../simulation/process.ts'

/** Number of histories: CI plays many more. */
const HISTORIES = 200
const APPEND_HISTORIES = 10

describe('the system', () => {
  it(`breaks no law in ${HISTORIES} random histories`, { timeout: 900_000 }, async () => {
    const { exitCode, output } = await simulate(['--histories', `${HISTORIES}`, '--batch-in', '20'])
    expect(output).toContain('no law broken')
    expect(exitCode).toBe(0)
  })
})

it(`appends to the embedded log break no law in ${APPEND_HISTORIES} random histories`, async () => {
  const { exitCode, output } = await simulateAppends(APPEND_HISTORIES)
  expect(output).toContain('no law broken')
  expect(exitCode).toBe(0)
})

// This test only checks that the bugs can be planted. `npm run test:planted`, which takes minutes, checks that each is found.
describe('the planted bug', () => {
  it.each([
    ...PLANTED_BUGS,
    ...PLANTED_BATCH_BUGS,
    ...PLANTED_APPEND_BUGS,
    ...PLANTED_IMPORT_BUGS,
    ...PLANTED_FILE_BUGS,
  ])('$name has its place in $file', async bug => {
    const source = await readFile(bug.file, 'utf8')
    expect(withBug(bug, source)).not.toBe(source)
  })
})
