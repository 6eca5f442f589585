import { describe, expect, it } from 'vitest'
import { PLANTED_FILE_BUGS } from '../simulation/planted-file-bugs.ts'
import { judgeFiles } from '../simulation/process.ts'

describe('files of people', () => {
  it('are read as the documentation says', async () => {
    expect(await judgeFiles()).toEqual({ exitCode: 0, output: '' })
  })

  it.concurrent.each(PLANTED_FILE_BUGS)('show the planted bug: $name', async ({ name }) => {
    const { exitCode, output } = await judgeFiles(name)
    expect(output).toContain('differ')
    expect(exitCode).toBe(1)
  })
})
