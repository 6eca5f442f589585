import { readFileSync } from 'node:fs'
import * as z from 'zod'
import type { EmailOptions } from '../../adapters/receivers/email.ts'

/** Environment and files from which secrets are read. */
export interface SecretSource {
  environment: Readonly<Record<string, string | undefined>>
  readFile(path: string): string
}

export const SECRETS_HERE: SecretSource = {
  environment: process.env,
  readFile: path => readFileSync(path, 'utf8'),
}

const SECRET_FORM = 'a secret is not written here: write env:NAME or file:PATH'
const secret = z.string().regex(/^(env|file):./, SECRET_FORM)
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a name has 1 to 40 small letters, digits and hyphens')
const names = z.array(z.string().min(1)).min(1, 'leave it out to fit all')

const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/
const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue'

const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/
const REGION_FORM = 'write a region such as eu-central-1'
/** @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html */
const bus = z
  .string()
  .regex(
    /^(arn:[\w-]+:events:[a-z]{2}-[a-z-]+-\d+:\d{12}:event-bus\/)?[\w./-]{1,256}$/,
    'write the name or the ARN of a bus',
  )

const ReceiverConfig = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('slack'), url: secret }),
    z.strictObject({ type: z.literal('pagerduty'), routing_key: secret, url: z.string().default(PAGERDUTY_URL) }),
    z.strictObject({ type: z.literal('webhook'), url: z.string().min(1), secret }),
    z.strictObject({
      type: z.literal('email'),
      server: z.string(),
      username: secret.optional(),
      password: secret.optional(),
      from: z.email('is not a mail address'),
      to: z.array(z.email('is not a mail address')).min(1, 'name at least one address'),
      hour: z.int().min(0).max(23).default(6),
    }),
    z.strictObject({ type: z.literal('eventbridge'), bus, region: z.string().regex(REGION, REGION_FORM).optional() }),
  ],
  'must be slack, pagerduty, webhook, email or eventbridge',
)

const RouteConfig = z.strictObject({
  receivers: z.array(z.string()).min(1, 'name at least one receiver'),
  classes: names.optional(),
  sites: names.optional(),
  kinds: z
    .array(z.enum(['site-change', 'many-sites', 'no-clear-look']))
    .min(1, 'leave it out to fit all')
    .optional(),
  severity: z.enum(['info', 'warning', 'error']).optional(),
})

const AlertsConfig = z.strictObject({
  receivers: z.record(name, ReceiverConfig).refine(all => Object.keys(all).length > 0, 'name at least one receiver'),
  routes: z.array(RouteConfig).default([]),
  page: z
    .url({ protocol: /^https?$/, error: 'write the address of the dashboard, such as https://example.org' })
    .optional(),
})

/** Receiver with its secrets. */
export type ReceiverSettings =
  | { type: 'slack'; url: string }
  | { type: 'pagerduty'; url: string; routingKey: string }
  | { type: 'webhook'; url: string; secret: Uint8Array }
  | ({ type: 'email' } & Omit<EmailOptions, 'page' | 'tryMs'>)
  | { type: 'eventbridge'; bus: string; region: string | null }

/** Receivers, routes and page: the content of alerts.json. */
export interface AlertsSettings {
  receivers: ReadonlyMap<string, ReceiverSettings>
  routes: z.infer<typeof RouteConfig>[]
  page: string | null
}

/** Reads alerts.json with the secrets that it names. @throws Error with the file, the field, and what to write */
export function readAlertsSettings(file: string, source: SecretSource = SECRETS_HERE): AlertsSettings {
  let text: string
  try {
    text = source.readFile(file)
  } catch (error) {
    throw new Error(`cannot read ${file} (${(error as Error).message})`)
  }
  return parseAlertsSettings(file, text, source)
}

/** Parses the text of alerts.json. @throws Error with the file, the field, and what to write */
export function parseAlertsSettings(file: string, text: string, source: SecretSource): AlertsSettings {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`)
  }
  const { data, error } = AlertsConfig.safeParse(value)
  if (!data) {
    const [issue] = error.issues
    throw new Error(`${file}: ${issue?.path.join('.') || 'it'}: ${issue && explained(issue)}`)
  }
  const receivers = new Map<string, ReceiverSettings>()
  for (const [receiver, config] of Object.entries(data.receivers)) {
    receivers.set(receiver, settingsOf(config, new SecretReader(source, `${file}: receivers.${receiver}`)))
  }
  for (const [index, route] of data.routes.entries()) {
    const unknown = route.receivers.find(each => !receivers.has(each))
    if (unknown === undefined) continue
    const known = [...receivers.keys()].join(', ')
    throw new Error(`${file}: routes.${index}.receivers: there is no receiver '${unknown}'; there are ${known}`)
  }
  return { receivers, routes: data.routes, page: data.page ?? null }
}

function explained(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown field ${issue.keys.join(', ')}`
  const inner = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined
  return inner ?? issue.message
}

function settingsOf(config: z.infer<typeof ReceiverConfig>, secrets: SecretReader): ReceiverSettings {
  switch (config.type) {
    case 'slack':
      return { type: 'slack', url: secrets.url('url', secrets.read('url', config.url)) }
    case 'pagerduty': {
      const routingKey = secrets.read('routing_key', config.routing_key)
      return { type: 'pagerduty', url: secrets.url('url', config.url), routingKey }
    }
    case 'webhook': {
      const url = /^(env|file):/.test(config.url) ? secrets.read('url', config.url) : config.url
      const key = secrets.signingKey('secret', secrets.read('secret', config.secret))
      return { type: 'webhook', url: secrets.url('url', url), secret: key }
    }
    case 'email': {
      const { from, to, hour, username, password } = config
      const login =
        username === undefined && password === undefined
          ? null
          : { username: secrets.read('username', username), password: secrets.read('password', password) }
      return { type: 'email', ...secrets.mailServer('server', config.server), login, from, to, hour }
    }
    case 'eventbridge':
      return { type: 'eventbridge', bus: config.bus, region: config.region ?? null }
  }
}

/** Reads secrets of one receiver. Its errors name the field, and never the secret. */
class SecretReader {
  readonly #source: SecretSource
  readonly #place: string

  constructor(source: SecretSource, place: string) {
    this.#source = source
    this.#place = place
  }

  read(field: string, reference: string | undefined): string {
    if (reference === undefined) throw new Error(`${this.#place}.${field}: is missing: name both, or none of both`)
    const at = reference.indexOf(':')
    const [kind, rest] = [reference.slice(0, at), reference.slice(at + 1)]
    if (kind === 'env') {
      const value = this.#source.environment[rest]?.trim()
      if (value) return value
      throw new Error(`${this.#place}.${field}: the variable ${rest} is not set`)
    }
    try {
      const value = this.#source.readFile(rest).trim()
      if (value) return value
    } catch (error) {
      throw new Error(`${this.#place}.${field}: cannot read ${rest} (${(error as Error).message})`)
    }
    throw new Error(`${this.#place}.${field}: the file ${rest} is empty`)
  }

  /** Address that no listener reads on the way: https, or of this machine. */
  url(field: string, text: string): string {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const isLocal = url?.protocol === 'http:' && LOCAL_HOST.test(url.hostname)
    if (url && (url.protocol === 'https:' || isLocal)) return text
    throw new Error(
      `${this.#place}.${field}: is not an address that begins with https:// (http:// only of this machine)`,
    )
  }

  /** Server of mail: `smtps://HOST[:PORT]`, or `smtp://` with STARTTLS; without TLS only on this machine. */
  mailServer(field: string, text: string) {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const isTls = url?.protocol === 'smtps:'
    if (!url || (!isTls && url.protocol !== 'smtp:') || url.hostname === '' || url.username || url.password) {
      throw new Error(
        `${this.#place}.${field}: write smtps://HOST:PORT, or smtp://HOST:PORT for STARTTLS; a login goes to username and password`,
      )
    }
    const port = url.port === '' ? (isTls ? 465 : 587) : Number(url.port)
    return { host: url.hostname, port, isTls, isPlain: !isTls && LOCAL_HOST.test(url.hostname) }
  }

  /** Key in the form of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. */
  signingKey(field: string, text: string): Uint8Array {
    const match = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)
    const key = Buffer.from(match?.[1] ?? '', 'base64')
    if (match && key.byteLength >= 24 && key.byteLength <= 64) return key
    throw new Error(
      `${this.#place}.${field}: is not a key: write whsec_ and 24 to 64 random bytes in base64, as of: echo "whsec_$(openssl rand -base64 32)"`,
    )
  }
}
