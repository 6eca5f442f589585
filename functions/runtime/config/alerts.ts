import { readFileSync } from 'node:fs'
import type { EmailOptions } from '../../adapters/receivers/email.ts'
import { type CheckedAlerts, checkAlertsFile, type ReceiverConfig, SECRET_ARN, SES_SERVER } from './alerts-file.ts'

/** Environment and files from which secrets are read. */
export interface SecretSource {
  environment: Readonly<Record<string, string | undefined>>
  readFile(path: string): string
  /** Reads a secret of AWS Secrets Manager; left out where secrets are not read from there. */
  readSecret?(arn: string): string
}

export const SECRETS_HERE: SecretSource = {
  environment: process.env,
  readFile: path => readFileSync(path, 'utf8'),
}

const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Receiver with its secrets. */
export type ReceiverSettings =
  | { type: 'slack'; url: string }
  | { type: 'pagerduty'; url: string; routingKey: string }
  | { type: 'webhook'; url: string; secret: Uint8Array }
  | ({ type: 'email' } & Omit<EmailOptions, 'page' | 'tryMs'>)
  | { type: 'ses'; region: string; from: string; to: string[]; hour: number }
  | { type: 'sns'; topic: string; hour: number }
  | { type: 'eventbridge'; bus: string; region: string | null }

/** Receivers, routes and page: the content of alerts.json. */
export interface AlertsSettings {
  receivers: ReadonlyMap<string, ReceiverSettings>
  routes: CheckedAlerts['routes']
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
  const data = checkAlertsFile(file, text)
  const receivers = new Map<string, ReceiverSettings>()
  for (const [receiver, config] of Object.entries(data.receivers)) {
    receivers.set(receiver, settingsOf(config, new SecretReader(source, `${file}: receivers.${receiver}`)))
  }
  return { receivers, routes: data.routes, page: data.page ?? null }
}

function settingsOf(config: ReceiverConfig, secrets: SecretReader): ReceiverSettings {
  switch (config.type) {
    case 'slack':
      return { type: 'slack', url: secrets.url('url', secrets.read('url', config.url)) }
    case 'pagerduty': {
      const routingKey = secrets.read('routing_key', config.routing_key)
      return { type: 'pagerduty', url: secrets.url('url', config.url), routingKey }
    }
    case 'webhook': {
      const url = /^(env|file|arn):/.test(config.url) ? secrets.read('url', config.url) : config.url
      const key = secrets.signingKey('secret', secrets.read('secret', config.secret))
      return { type: 'webhook', url: secrets.url('url', url), secret: key }
    }
    case 'email': {
      const { server, from, to, hour, username, password } = config
      const region = SES_SERVER.exec(server)?.[1]
      if (region !== undefined && username === undefined && password === undefined) {
        return { type: 'ses', region, from, to, hour }
      }
      const login =
        username === undefined && password === undefined
          ? null
          : { username: secrets.read('username', username), password: secrets.read('password', password) }
      return { type: 'email', ...secrets.mailServer('server', server), login, from, to, hour }
    }
    case 'sns':
      return config
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
    if (SECRET_ARN.test(reference)) return this.#managed(field, reference)
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

  /** Secret of AWS Secrets Manager: all of it, or a field of its JSON. */
  #managed(field: string, reference: string): string {
    const [, arn = '', key] = SECRET_ARN.exec(reference) ?? []
    const place = `${this.#place}.${field}`
    if (!this.#source.readSecret) throw new Error(`${place}: only a stage on AWS reads secrets by their ARN`)
    const text = this.#source.readSecret(arn).trim()
    const value = key === undefined ? text : fieldOf(text, key)
    if (value) return value
    throw new Error(
      `${place}: the secret ${arn} ${key === undefined ? 'is empty' : `is not a JSON object with ${key}`}`,
    )
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
        `${this.#place}.${field}: write smtps://HOST:PORT, smtp://HOST:PORT for STARTTLS (a login goes to username and password), or ses://REGION (without a login)`,
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

function fieldOf(json: string, key: string): string | undefined {
  try {
    const value = (JSON.parse(json) as Record<string, unknown> | null)?.[key]
    return typeof value === 'string' ? value.trim() : undefined
  } catch {
    return undefined
  }
}
