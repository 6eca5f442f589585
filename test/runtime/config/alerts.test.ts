import { describe, expect, it } from 'vitest'
import { parseAlertsSettings } from '../../../functions/runtime/config/alerts.ts'
import { checkAlertsFile, secretReferences } from '../../../functions/runtime/config/alerts-file.ts'

const KEY = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const ENVIRONMENT = {
  SLACK: 'https://hooks.slack.com/services/x',
  KEY,
  EMPTY: ' ',
  PLAIN: 'http://example.org/',
  LOCAL: 'http://127.0.0.1:1/',
}
const FILES: Record<string, string> = { '/run/pager': `${'a'.repeat(32)}\n`, '/run/empty': '\n' }

function parse(value: unknown) {
  const readFile = (path: string) => {
    const text = FILES[path]
    if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
    return text
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return parseAlertsSettings('alerts.json', text, { environment: ENVIRONMENT, readFile })
}

const SLACK = { type: 'slack', url: 'env:SLACK' }
const only = (receiver: object) => ({ receivers: { team: receiver } })

describe('alerts.json', () => {
  it('names receivers with secrets of the environment and of files, routes, and the page', () => {
    const routes = [
      { receivers: ['on-call'], classes: ['Forest'], sites: ['a-'], kinds: ['site-change'], severity: 'error' },
    ]
    const { receivers, ...others } = parse({
      receivers: {
        team: SLACK,
        'on-call': { type: 'pagerduty', routing_key: 'file:/run/pager' },
        program: { type: 'webhook', url: 'https://example.org/hook', secret: 'env:KEY' },
        local: { type: 'webhook', url: 'env:LOCAL', secret: 'env:KEY' },
      },
      routes,
      page: 'https://example.org',
    })
    expect(Object.fromEntries(receivers)).toEqual({
      team: { type: 'slack', url: 'https://hooks.slack.com/services/x' },
      'on-call': { type: 'pagerduty', url: 'https://events.pagerduty.com/v2/enqueue', routingKey: 'a'.repeat(32) },
      program: { type: 'webhook', url: 'https://example.org/hook', secret: Buffer.alloc(32, 7) },
      local: { type: 'webhook', url: 'http://127.0.0.1:1/', secret: Buffer.alloc(32, 7) },
    })
    expect(others).toEqual({ routes, page: 'https://example.org' })
    expect(parse(only(SLACK))).toMatchObject({ routes: [], page: null })
  })

  it.each([
    ['{', /^alerts\.json is not JSON: /],
    [{}, 'alerts.json: receivers: Invalid input: expected record, received undefined'],
    [{ receivers: {} }, 'alerts.json: receivers: name at least one receiver'],
    [{ ...only(SLACK), route: [] }, 'alerts.json: it: unknown field route'],
    [{ receivers: { 'The Team': SLACK } }, /^alerts\.json: receivers\.The Team: a name has 1 to 40 small letters/],
    [
      only({ type: 'teams', url: 'env:SLACK' }),
      'alerts.json: receivers.team.type: must be slack, pagerduty, webhook, email, sns or eventbridge',
    ],
    [only({ ...SLACK, channel: 'x' }), 'alerts.json: receivers.team: unknown field channel'],
    [
      only({ type: 'slack', url: 'https://hooks.slack.com/services/x' }),
      'alerts.json: receivers.team.url: a secret is not written here: write env:NAME or file:PATH; on AWS, the ARN of a secret',
    ],
    [only({ type: 'slack', url: 'env:NONE' }), 'alerts.json: receivers.team.url: the variable NONE is not set'],
    [only({ type: 'slack', url: 'env:EMPTY' }), 'alerts.json: receivers.team.url: the variable EMPTY is not set'],
    [only({ type: 'slack', url: 'file:/none' }), /^alerts\.json: receivers\.team\.url: cannot read \/none \(ENOENT/],
    [only({ type: 'slack', url: 'file:/run/empty' }), 'alerts.json: receivers.team.url: the file /run/empty is empty'],
    [
      only({ type: 'slack', url: 'env:PLAIN' }),
      /^alerts\.json: receivers\.team\.url: is not an address that begins with https/,
    ],
    [only({ type: 'slack', url: 'file:/run/pager' }), /^alerts\.json: receivers\.team\.url: is not an address/],
    [
      only({ type: 'webhook', url: 'https://example.org', secret: 'file:/run/pager' }),
      /^alerts\.json: receivers\.team\.secret: is not a key: write whsec_ and 24 to 64 random bytes in base64/,
    ],
    [
      { ...only(SLACK), routes: [{ receivers: ['tem'] }] },
      "alerts.json: routes.0.receivers: there is no receiver 'tem'; there are team",
    ],
    [
      { ...only(SLACK), routes: [{ receivers: ['team'], classes: [] }] },
      'alerts.json: routes.0.classes: leave it out to fit all',
    ],
    [
      only({ type: 'eventbridge', bus: 'a bus' }),
      'alerts.json: receivers.team.bus: write the name or the ARN of a bus',
    ],
    [
      only({ type: 'eventbridge', bus: 'landcover', region: 'Frankfurt' }),
      'alerts.json: receivers.team.region: write a region such as eu-central-1',
    ],
    [{ ...only(SLACK), page: 'example.org' }, /^alerts\.json: page: write the address of the dashboard/],
  ])('is refused: %j', (value, message) => {
    expect(() => parse(value)).toThrow(message)
  })

  it('names a server of mail: TLS, STARTTLS, or without on this machine', () => {
    const mail = { type: 'email', from: 'a@example.org', to: ['b@example.org'] }
    const of = (changes: object) => parse(only({ ...mail, ...changes })).receivers.get('team')
    expect(of({ server: 'smtps://example.org', username: 'env:KEY', password: 'file:/run/pager', hour: 7 })).toEqual({
      ...{ type: 'email', host: 'example.org', port: 465, isTls: true, isPlain: false, hour: 7 },
      ...{ login: { username: KEY, password: 'a'.repeat(32) }, from: mail.from, to: mail.to },
    })
    expect(of({ server: 'smtp://example.org' })).toMatchObject({
      port: 587,
      isTls: false,
      isPlain: false,
      login: null,
      hour: 6,
    })
    expect(of({ server: 'smtp://localhost:2525' })).toMatchObject({ port: 2525, isTls: false, isPlain: true })
    expect(() => of({ server: 'example.org' })).toThrow('alerts.json: receivers.team.server: write smtps://HOST:PORT')
    expect(() => of({ server: 'smtps://me:pw@example.org' })).toThrow('a login goes to username and password')
    expect(() => of({ server: 'smtps://example.org', username: 'env:KEY' })).toThrow(
      'receivers.team.password: is missing',
    )
    expect(() => of({ server: 'smtps://example.org', to: ['b'] })).toThrow('receivers.team.to.0: is not a mail address')
    expect(() => of({ server: 'smtps://example.org', hour: 24 })).toThrow('receivers.team.hour: ')
  })

  it('names a bus of EventBridge by its name or its ARN, in another region if it says so', () => {
    const of = (changes: object) => parse(only({ type: 'eventbridge', ...changes })).receivers.get('team')
    expect(of({ bus: 'landcover-dev' })).toEqual({ type: 'eventbridge', bus: 'landcover-dev', region: null })
    const arn = 'arn:aws:events:eu-central-1:123456789012:event-bus/landcover-dev'
    expect(of({ bus: arn, region: 'eu-central-1' })).toEqual({ type: 'eventbridge', bus: arn, region: 'eu-central-1' })
  })

  it('names a daily mail by Amazon SES, and a topic of Amazon SNS', () => {
    const mail = { type: 'email', from: 'a@example.org', to: ['b@example.org'] }
    const of = (receiver: object) => parse(only(receiver)).receivers.get('team')
    expect(of({ ...mail, server: 'ses://eu-central-1', hour: 7 })).toEqual({
      ...{ type: 'ses', region: 'eu-central-1', from: mail.from, to: mail.to, hour: 7 },
    })
    expect(() => of({ ...mail, server: 'ses://eu-central-1', username: 'env:KEY', password: 'env:KEY' })).toThrow(
      'ses://REGION (without a login)',
    )
    const topic = 'arn:aws:sns:eu-central-1:123456789012:incidents'
    expect(of({ type: 'sns', topic })).toEqual({ type: 'sns', topic, hour: 6 })
    expect(() => of({ type: 'sns', topic: `${topic}.fifo` })).toThrow(
      'receivers.team.topic: write the ARN of a topic that is not FIFO',
    )
  })

  describe('with secrets of Secrets Manager', () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:landcover/slack-AbCdEf'
    const urlIn = (reference: string, secret: string) => {
      const text = JSON.stringify(only({ type: 'slack', url: reference }))
      const readSecret = (wanted: string) => (wanted === arn ? secret : '')
      return parseAlertsSettings('alerts.json', text, {
        environment: {},
        readFile: () => '',
        readSecret,
      }).receivers.get('team')
    }

    it('takes all of a secret, or a field of its JSON', () => {
      const url = 'https://hooks.slack.com/services/x'
      expect(urlIn(arn, `${url}\n`)).toEqual({ type: 'slack', url })
      expect(urlIn(`${arn}#url`, JSON.stringify({ url }))).toEqual({ type: 'slack', url })
    })

    it.each([
      [arn, ' ', `receivers.team.url: the secret ${arn} is empty`],
      [`${arn}#url`, 'https://example.org', `receivers.team.url: the secret ${arn} is not a JSON object with url`],
      [
        `${arn}#url`,
        '{"uri":"https://example.org"}',
        `receivers.team.url: the secret ${arn} is not a JSON object with url`,
      ],
      [`${arn}#url`, 'null', `receivers.team.url: the secret ${arn} is not a JSON object with url`],
    ])('refuses %s with the content %s', (reference, secret, message) => {
      expect(() => urlIn(reference, secret)).toThrow(message)
    })

    it('says that only a stage on AWS has them', () => {
      expect(() => parse(only({ type: 'slack', url: arn }))).toThrow(
        'alerts.json: receivers.team.url: only a stage on AWS reads secrets by their ARN',
      )
    })

    it('lists which a file refers to, with their places', () => {
      const file = checkAlertsFile(
        'alerts.json',
        JSON.stringify({
          receivers: {
            team: { type: 'slack', url: `${arn}#url` },
            program: { type: 'webhook', url: 'https://example.org', secret: 'env:KEY' },
          },
        }),
      )
      expect(secretReferences(file)).toEqual([
        { place: 'receivers.team.url', reference: `${arn}#url` },
        { place: 'receivers.program.secret', reference: 'env:KEY' },
      ])
    })
  })

  it('never shows a secret', () => {
    for (const [url, secret] of [
      ['env:PLAIN', 'http://example.org/'],
      ['file:/run/pager', 'aaaa'],
    ] as const) {
      expect(() => parse(only({ type: 'slack', url }))).not.toThrow(secret)
    }
  })
})
