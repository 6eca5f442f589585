import { describe, expect, it } from 'vitest'
import { PLANTED_RULE_BUGS } from '../simulation/planted-rule-bugs.ts'
import { judgeSeries } from '../simulation/process.ts'

describe('generated series', () => {
  it('are judged by their truth', async () => {
    expect(await judgeSeries()).toEqual({ exitCode: 0, output: '' })
  })

  it.concurrent.each(PLANTED_RULE_BUGS)('show the planted bug: $name', async ({ name }) => {
    const { exitCode, output } = await judgeSeries(name)
    expect(output).toContain('differ')
    expect(exitCode).toBe(1)
  })
})
