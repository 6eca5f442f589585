import { describe, expect, it } from 'vitest'
import { stageNamed } from '../../infra/stages.ts'

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
