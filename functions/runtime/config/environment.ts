import { readFileSync } from 'node:fs'
import * as z from 'zod'
import type { KafkaLogin } from '../../adapters/kafka/event-log.ts'
import { iamLogin, PASSWORD_MECHANISMS, passwordLogin } from './kafka-login.ts'
import { DEFAULT_DATA_CENTER } from './store-address.ts'

/** User name and password from the environment. */
interface Login {
  username: string
  password: string
}

/** Settings of other servers from the environment. None of them may come from the command line. */
export interface Environment {
  /** Defaults of --log and --store. */
  log?: string
  store?: string
  /** Token that requests to this system must bring. */
  token?: string
  kafka: { sasl?: KafkaLogin; tls?: Tls }
  cassandra: { credentials?: Login; tls?: Tls & { serverName?: string }; dataCenter: string }
}

/** Options of TLS connections. */
export interface Tls {
  /** PEM of the certificate authority, if Node does not trust it already. */
  ca?: string
}

/** Ways to sign in: with a password, or, for Amazon MSK, with the AWS credentials that the SDK finds. */
const SASL_MECHANISMS = [...PASSWORD_MECHANISMS, 'AWS_MSK_IAM'] as const
type SaslMechanism = (typeof SASL_MECHANISMS)[number]

const text = z.string().optional()
const trueOrFalse = z.enum(['true', 'false'], 'write true or false').optional()

/** Variables of one server, without their prefix. */
const SERVER = { USERNAME: text, PASSWORD: text, PASSWORD_FILE: text, TLS: trueOrFalse, CA_FILE: text }

const KAFKA = 'LANDCOVER_KAFKA_'
const CASSANDRA = 'LANDCOVER_CASSANDRA_'

const Kafka = z.strictObject({
  ...SERVER,
  SASL: z.enum(SASL_MECHANISMS, `write ${SASL_MECHANISMS.join(', ')}`).optional(),
})
const Cassandra = z.strictObject({ ...SERVER, SERVER_NAME: text, DATA_CENTER: z.string().default(DEFAULT_DATA_CENTER) })

type Server = { [Name in keyof typeof SERVER]?: z.infer<(typeof SERVER)[Name]> | undefined }

/**
 * Reads the environment once. An empty variable counts as not set.
 *
 * @throws Error that names the variable and what it accepts, never its value
 */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const { SASL, ...kafka } = parse(KAFKA, Kafka, variables)
  const { SERVER_NAME: serverName, DATA_CENTER: dataCenter, ...cassandra } = parse(CASSANDRA, Cassandra, variables)
  const kafkaLogin = kafkaLoginOf(SASL, loginOf(KAFKA, kafka), variables.AWS_REGION)
  const credentials = loginOf(CASSANDRA, cassandra)
  // Brokers of Amazon MSK take a log-in over TLS only.
  const kafkaTls = tlsOf(KAFKA, SASL === 'AWS_MSK_IAM' && kafka.TLS === undefined ? { ...kafka, TLS: 'true' } : kafka)
  const cassandraTls = tlsOf(CASSANDRA, cassandra)
  const token = tokenOf(variables)
  return {
    ...(variables.LANDCOVER_LOG && { log: variables.LANDCOVER_LOG }),
    ...(variables.LANDCOVER_STORE && { store: variables.LANDCOVER_STORE }),
    ...(token !== undefined && { token }),
    kafka: { ...(kafkaLogin && { sasl: kafkaLogin }), ...(kafkaTls && { tls: kafkaTls }) },
    cassandra: {
      dataCenter,
      ...(credentials && { credentials }),
      ...(cassandraTls && { tls: { ...cassandraTls, ...(serverName && { serverName }) } }),
    },
  }
}

function tokenOf({
  LANDCOVER_TOKEN: token,
  LANDCOVER_TOKEN_FILE: file,
}: Readonly<Record<string, string | undefined>>): string | undefined {
  if (token && file) throw new Error('set LANDCOVER_TOKEN or LANDCOVER_TOKEN_FILE, not both')
  return file ? lineOfFile('LANDCOVER_TOKEN_FILE', file) : token || undefined
}

function parse<T>(prefix: string, schema: z.ZodType<T>, variables: Readonly<Record<string, string | undefined>>): T {
  const own = Object.entries(variables).flatMap(([name, value]) =>
    name.startsWith(prefix) && value ? [[name.slice(prefix.length), value]] : [],
  )
  const { data, error } = schema.safeParse(Object.fromEntries(own))
  if (!error) return data
  const [issue] = error.issues
  if (issue?.code === 'unrecognized_keys') {
    const known = Object.keys((schema as unknown as z.ZodObject).shape)
    throw new Error(
      `${prefix}${issue.keys[0]} is not a setting; the settings are ${known.map(name => prefix + name).join(', ')}`,
    )
  }
  throw new Error(`${prefix}${issue?.path.join('_')}: ${issue?.message}`)
}

function loginOf(prefix: string, { USERNAME, PASSWORD, PASSWORD_FILE }: Server): Login | undefined {
  if (PASSWORD !== undefined && PASSWORD_FILE !== undefined) {
    throw new Error(`set ${prefix}PASSWORD or ${prefix}PASSWORD_FILE, not both`)
  }
  const password = PASSWORD_FILE === undefined ? PASSWORD : lineOfFile(`${prefix}PASSWORD_FILE`, PASSWORD_FILE)
  if (USERNAME === undefined && password === undefined) return undefined
  if (USERNAME === undefined) throw new Error(`${prefix}USERNAME is missing beside the password`)
  if (password === undefined) {
    throw new Error(`${prefix}USERNAME needs ${prefix}PASSWORD, or ${prefix}PASSWORD_FILE with the name of a file`)
  }
  return { username: USERNAME, password }
}

function kafkaLoginOf(
  mechanism: SaslMechanism | undefined,
  login: Login | undefined,
  region: string | undefined,
): KafkaLogin | undefined {
  if (mechanism !== 'AWS_MSK_IAM') return login && passwordLogin(login, mechanism)
  if (login) throw new Error(`${KAFKA}SASL=AWS_MSK_IAM takes no user name and password: it signs in with those of AWS`)
  if (!region) throw new Error(`${KAFKA}SASL=AWS_MSK_IAM needs AWS_REGION`)
  return iamLogin(region)
}

function tlsOf(prefix: string, { TLS, CA_FILE }: Server): Tls | undefined {
  if (TLS === 'false' && CA_FILE !== undefined) {
    throw new Error(`${prefix}CA_FILE is used with TLS only: set ${prefix}TLS=true, or remove it`)
  }
  if (CA_FILE !== undefined) return { ca: readFileOf(`${prefix}CA_FILE`, CA_FILE) }
  return TLS === 'true' ? {} : undefined
}

/** Reads a secret. Editors and `echo` end a file with a line break, which is not part of it. */
function lineOfFile(variable: string, file: string): string {
  return readFileOf(variable, file).replace(/\r?\n$/, '')
}

function readFileOf(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`${variable}: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}
