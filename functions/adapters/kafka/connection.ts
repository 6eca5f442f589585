import type { BaseOptions } from '@platformatic/kafka'

/** How the brokers know who we are. A token is asked for at each log-in, and whenever the broker wants another. */
export type KafkaLogin =
  | { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string }
  | { mechanism: 'OAUTHBEARER'; token(): Promise<string> }

export interface KafkaEventLogOptions {
  /** `host:port` of a few brokers; the others are found through them. */
  brokers: string[]
  topic: string
  sasl?: KafkaLogin
  /** True for TLS with Node's own certificate authorities, or options of node:tls. */
  tls?: boolean | NonNullable<BaseOptions['tls']>
}

export function clientOptions({ brokers, sasl, tls }: KafkaEventLogOptions): BaseOptions {
  return {
    clientId: 'landcover',
    bootstrapBrokers: brokers,
    retries: 0,
    requestTimeout: 15_000,
    ...(sasl && { sasl: { ...sasl, authBytesValidator: refuseFailures } }),
    ...(tls && { tls: tls === true ? {} : tls }),
  }
}

/** The first flags of Kafka's own commands, as people would write them for these brokers. */
export function commandFlags({ brokers, sasl, tls }: KafkaEventLogOptions): string {
  const login = sasl || tls ? ' --command-config client.properties' : ''
  return `--bootstrap-server ${brokers.join(',')}${login}`
}

/** An error, its cause and the errors that it sums up, outermost first. */
function* within(error: unknown): Generator<Error & Record<string, unknown>> {
  if (!(error instanceof Error)) return
  yield error as Error & Record<string, unknown>
  yield* within(error.cause)
  if (error instanceof AggregateError) for (const inner of error.errors) yield* within(inner)
}

export function isApiError(error: unknown, apiId: string): boolean {
  return within(error).some(inner => inner.apiId === apiId)
}

/** Whether another attempt may succeed: a broker is away, or another leads the partition now. */
export function isPassing(error: unknown): boolean {
  return within(error).some(inner => inner.canRetry === true || inner.hasStaleMetadata === true)
}

/**
 * By OAUTHBEARER a broker says what is wrong in an answer that is none of an error (RFC 7628, section 3.2.2).
 */
function refuseFailures(answer: Buffer, callback: (error: Error | null, answer: Buffer) => void): void {
  const text = answer.toString('utf8')
  const [status] = /(?<="status"\s*:\s*")[^"]+/.exec(text) ?? []
  callback(status === undefined ? null : new Error(`the broker says: ${status}`), answer)
}

/** The client's outermost message is "Cannot connect to any broker" even where the password is wrong: says the reason. */
export function describeError(error: unknown, { brokers, topic, sasl }: KafkaEventLogOptions): Error {
  const all = [...within(error)]
  if (sasl && all.some(inner => inner.code === 'PLT_KFK_AUTHENTICATION')) {
    const server = `Kafka at ${brokers.join(',')}`
    const [own] = all.filter(inner => !String(inner.code).startsWith('PLT_KFK_')).slice(-1)
    const why = own ? ` (${own.message})` : ''
    const message =
      'username' in sasl
        ? `${server} refuses the log-in of '${sasl.username}' by ${sasl.mechanism}: check the user name, the password and the mechanism`
        : `${server}: no log-in by ${sasl.mechanism}${why}: check who signs in, and what that one may do`
    return new Error(message, { cause: error })
  }
  if (!all.some(inner => String(inner.code).startsWith('PLT_KFK_'))) return error as Error
  const reasons = all.filter(inner => !inner.cause && !(inner instanceof AggregateError))
  const text = [...new Set(reasons.map(reason => String(reason.apiId ?? reason.message)))].join('; ')
  return new Error(`Kafka topic ${topic} at ${brokers.join(',')}: ${text}`, { cause: error })
}
