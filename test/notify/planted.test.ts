import { describe, expect, it } from 'vitest'
import { PLANTED_NOTIFY_BUGS } from '../simulation/planted-notify-bugs.ts'
import { judgeTelling } from '../simulation/process.ts'

/** Number of histories: several times more than the rarest bug has ever needed. */
const HISTORIES_TO_CATCH = 1_000

describe('histories of messages', () => {
  it('break no law', async () => {
    expect(await judgeTelling(200)).toEqual({ exitCode: 0, output: '' })
  })

  it.concurrent.each(PLANTED_NOTIFY_BUGS)('show the planted bug: $name', async ({ name }) => {
    const { exitCode, output } = await judgeTelling(HISTORIES_TO_CATCH, name)
    expect(output).toContain('breaks a law')
    expect(exitCode).toBe(1)
  })
})
