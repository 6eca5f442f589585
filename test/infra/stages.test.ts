import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../functions/core/time.ts'
import { checkedAlerts } from '../../infra/constructs/notifier.ts'
import { latenessText, stageNamed } from '../../infra/stages.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

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

describe('the receivers of incidents of a stage', () => {
  const devWith = (alerts?: string) => stageNamed('dev', name => (name === 'alerts' ? alerts : undefined))
  const inFile = (text: string) => {
    const file = join(temporaryFolder(), 'alerts.json')
    writeFileSync(file, text)
    return file
  }

  it("are the stage's own bus, unless a file names others", () => {
    expect(checkedAlerts(devWith())).toEqual({
      receivers: { bus: { type: 'eventbridge', bus: 'landcover-dev' } },
      routes: [],
    })
    const url = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:slack-AbCdEf'
    const file = inFile(JSON.stringify({ receivers: { team: { type: 'slack', url } } }))
    expect(checkedAlerts(devWith(file)).receivers).toEqual({ team: { type: 'slack', url } })
  })

  it.each([
    [{ receivers: {} }, 'the alerts of the stage dev: receivers: name at least one receiver'],
    [
      { receivers: { team: { type: 'slack', url: 'env:SLACK' } } },
      'the alerts of the stage dev: receivers.team.url: a function has no variables or files of its own',
    ],
    [
      {
        receivers: { bus: { type: 'eventbridge', bus: 'a' } },
        routes: [{ receivers: ['bus'], sites: ['x'.repeat(3_000)] }],
      },
      /has \d+ bytes, and at most 3000 fit into the settings of a function/,
    ],
  ])('cannot be %j', (file, message) => {
    expect(() => checkedAlerts(devWith(inFile(JSON.stringify(file))))).toThrow(message)
  })

  it('are refused with the name of a file that cannot be read, or is not JSON', () => {
    expect(() => devWith('/none/alerts.json')).toThrow(/^alerts=\/none\/alerts\.json: name a file .*ENOENT/)
    expect(() => devWith(inFile('{'))).toThrow(/in the form of alerts\.json: .*JSON/)
  })
})
