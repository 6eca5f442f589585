import { describe, expect, it } from 'vitest'
import { PLANTED_IMPORT_BUGS } from './planted-import-bugs.ts'
import { judgeImports } from './process.ts'

/** Number of histories: several times more than the rarest bug has ever needed. */
const HISTORIES_TO_CATCH = 100

describe('histories of imports catch the planted bug', () => {
  it.concurrent.each(PLANTED_IMPORT_BUGS)('$name', async ({ name }) => {
    const { exitCode, output } = await judgeImports(HISTORIES_TO_CATCH, name)
    expect(output).toContain('breaks a law')
    expect(exitCode).toBe(1)
  })
})
