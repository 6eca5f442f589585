import type { BaseOptions } from '@platformatic/kafka'

/** Log-in at the brokers. A token is requested at each log-in, and whenever the broker wants a new one. */
export type KafkaLogin =
  | { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string }
  | { mechanism: 'OAUTHBEARER'; token(): Promise<string> }

/** Options of the event log in a Kafka topic. */
export interface KafkaEventLogOptions {
  /** Addresses `host:port` of a few brokers. The others are found through them. */
  brokers: string[]
  topic: string
  sasl?: KafkaLogin
  /** True for TLS with Node's own certificate authorities, or options of node:tls. */
  tls?: boolean | NonNullable<BaseOptions['tls']>
}

/** Converts the options to those of a client of the library. */
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

/** Returns the first flags of Kafka's own commands for these brokers, for messages. */
export function commandFlags({ brokers, sasl, tls }: KafkaEventLogOptions): string {
  const login = sasl || tls ? ' --command-config client.properties' : ''
  return `--bootstrap-server ${brokers.join(',')}${login}`
}

/** Yields an error, its cause and the errors that it aggregates, outermost first. */
function* within(error: unknown): Generator<Error & Record<string, unknown>> {
  if (!(error instanceof Error)) return
  yield error as Error & Record<string, unknown>
  yield* within(error.cause)
  if (error instanceof AggregateError) for (const inner of error.errors) yield* within(inner)
}

/** Returns true when the broker answered with this error code of the Kafka protocol. */
export function isApiError(error: unknown, apiId: string): boolean {
  return within(error).some(inner => inner.apiId === apiId)
}

/** Returns true when another attempt may succeed: a broker is away, or another broker leads the partition now. */
export function isPassing(error: unknown): boolean {
  return within(error).some(inner => inner.canRetry === true || inner.hasStaleMetadata === true)
}

/**
 * Turns a broker's refusal of an OAUTHBEARER token into an error. The broker sends the reason in an answer without
 * the form of an error (RFC 7628, section 3.2.2).
 */
function refuseFailures(answer: Buffer, callback: (error: Error | null, answer: Buffer) => void): void {
  const text = answer.toString('utf8')
  const [status] = /(?<="status"\s*:\s*")[^"]+/.exec(text) ?? []
  callback(status === undefined ? null : new Error(`the broker says: ${status}`), answer)
}

/**
 * Returns an error with the real reason. The client's outermost message is "Cannot connect to any broker", even when
 * the password is wrong.
 */
export function describeError(error: unknown, { brokers, topic, sasl }: KafkaEventLogOptions): Error {
  const all = [...within(error)]
  if (sasl && all.some(inner => inner.code === 'PLT_KFK_AUTHENTICATION')) {
    const server = `Kafka at ${brokers.join(',')}`
    const [own] = all.filter(inner => !String(inner.code).startsWith('PLT_KFK_')).slice(-1)
    const why = own ? ` (${own.message})` : ''
    const message =
      'username' in sasl
        ? `${server} refuses the log-in of '${sasl.username}' by ${sasl.mechanism}: check the user name, the password and the mechanism`
        : `${server}: no log-in by ${sasl.mechanism}${why}: check the identity that signs in, and its permissions`
    return new Error(message, { cause: error })
  }
  if (!all.some(inner => String(inner.code).startsWith('PLT_KFK_'))) return error as Error
  const reasons = all.filter(inner => !inner.cause && !(inner instanceof AggregateError))
  const text = [...new Set(reasons.map(reason => String(reason.apiId ?? reason.message)))].join('; ')
  return new Error(`Kafka topic ${topic} at ${brokers.join(',')}: ${text}`, { cause: error })
}
