import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../functions/core/time.ts'
import { latenessText, stageNamed } from '../../infra/stages.ts'

describe('the readers of dev', () => {
  const readsWith = (readers?: string) => stageNamed('dev', name => (name === 'readers' ? readers : undefined)).reads

  it('are people who sign in, unless somebody opens the stage', () => {
    expect(readsWith()).toEqual({ access: 'cognito' })
    expect(readsWith('signed-in')).toEqual({ access: 'cognito' })
  })

  it('are everybody, or those in some networks, with a setting', () => {
    expect(readsWith('everybody')).toEqual({ access: 'public' })
    expect(readsWith('192.0.2.0/24,198.51.100.7/32')).toEqual({
      access: 'allowlist',
      cidrs: ['192.0.2.0/24', '198.51.100.7/32'],
    })
  })
})

it('a setting without a default must be given', () => {
  expect(() => stageNamed('prod', () => undefined)).toThrow('the stage prod needs the setting allowlist')
})

describe('the allowed lateness of a stage', () => {
  const dev = stageNamed('dev', () => undefined)

  it('reaches the functions as it is', () => {
    const lateness = [...dev.lateness, { since: Date.UTC(2026, 11, 1), ms: 2 * DAY_MS }]
    expect(JSON.parse(latenessText({ ...dev, lateness }))).toEqual(lateness)
  })

  it.each([[[]], [[{ since: 0, ms: 59_999 }]], [[{ since: 1, ms: DAY_MS }]]])('cannot be %j', lateness => {
    expect(() => latenessText({ ...dev, lateness })).toThrow('lateness: ')
  })
})
