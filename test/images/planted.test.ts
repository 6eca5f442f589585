import { describe, expect, it } from 'vitest'
import { PLANTED_IMAGE_BUGS } from '../simulation/planted-image-bugs.ts'
import { judgeScene } from '../simulation/process.ts'

describe('a small scene', () => {
  it('is measured as it is defined, and counts once', async () => {
    expect(await judgeScene()).toEqual({ exitCode: 0, output: '' })
  })

  it.concurrent.each(PLANTED_IMAGE_BUGS)('shows the planted bug: $name', async ({ name }) => {
    const { exitCode, output } = await judgeScene(name)
    expect(output).toContain('differ')
    expect(exitCode).toBe(1)
  })
})
