import { describe, expect, it } from 'vitest'
import { PLANTED_APPEND_BUGS, PLANTED_BATCH_BUGS } from './planted-batch-bugs.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { simulate, simulateAppends } from './process.ts'

/** Number of histories: several times more than the rarest bug has ever needed. */
const HISTORIES_TO_CATCH = 2_000
const BATCH_HISTORIES_TO_CATCH = 1_500
const APPEND_HISTORIES_TO_CATCH = 100
const SPEED_ONLY = ['--without', 'batch']
const WITH_BATCH = ['--batch-in', '1']
/** Number of steps of a history that is made smaller: far more than its bug needs. */
const STEPS = 200

describe('the simulation catches the planted bug', () => {
  it.concurrent.each([
    ...PLANTED_BUGS.map(bug => ({ ...bug, histories: HISTORIES_TO_CATCH, flags: SPEED_ONLY })),
    ...PLANTED_BATCH_BUGS.map(bug => ({ ...bug, histories: BATCH_HISTORIES_TO_CATCH, flags: WITH_BATCH })),
  ])('$name', async ({ name, seed = 1, histories, flags }) => {
    const first = ['--histories', `${histories}`, '--seed', `${seed}`, '--as-found']
    const { exitCode, output } = await simulate([...first, ...flags], name)
    expect(output).toContain('breaks a law')
    expect(exitCode).toBe(1)
  })
})

it.each([
  ['without the batch layer', PLANTED_BUGS, SPEED_ONLY],
  ['with the batch layer', PLANTED_BATCH_BUGS, WITH_BATCH],
])('without a bug, the first histories %s break no law', async (_, bugs, flags) => {
  for (const seed of new Set(bugs.map(({ seed = 1 }) => seed))) {
    const { output } = await simulate(['--histories', '1', '--seed', `${seed}`, '--as-found', ...flags])
    expect(output).toContain('no law broken')
  }
})

it('the simulation finds the smallest history that breaks a law', async () => {
  const bug = 'child delivered before its parent'
  const flags = ['--histories', `${HISTORIES_TO_CATCH}`, '--steps', `${STEPS}`, '--without', 'batch']
  const { output } = await simulate(flags, bug)
  const [, smallest = ''] = /smallest that does: npm run simulate -- (.*)/.exec(output) ?? []
  expect(Number(/--steps (\d+)/.exec(smallest)?.[1])).toBeLessThan(STEPS)
  expect(await simulate(smallest.split(' '), bug)).toMatchObject({
    exitCode: 1,
    output: expect.stringContaining('breaks a law'),
  })
})

describe('histories of appends catch the planted bug', () => {
  it.each(PLANTED_APPEND_BUGS)('$name', async ({ name }) => {
    const { exitCode, output } = await simulateAppends(APPEND_HISTORIES_TO_CATCH, name)
    expect(output).toContain('breaks a law')
    expect(exitCode).toBe(1)
  })
})
