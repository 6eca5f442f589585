import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { type AwsCredentials, answerToChallenge } from '../../functions/adapters/cassandra/keyspaces-auth.ts'
import { createCertificate, KEYSTORE_PASSWORD } from './cassandra.ts'
import { bytes, error, type Frame, frameBytes, OPERATION, onFrames, text } from './cql-frames.ts'

/**
 * Stands in for Keyspaces: a Cassandra node behind Keyspaces' way to sign in, its TLS and its restrictions. Requests
 * that Keyspaces would refuse are refused here.
 */
export interface Keyspaces {
  contactPoint: string
  ca: string
  region: string
  /** Credentials that may sign in. */
  credentials: AwsCredentials
  /** Every statement that was prepared or sent as a text. */
  statements: ReadonlySet<string>
  /** Number of open connections. */
  connections(): number
  /** Makes all open connections dead, like one that was idle for long; new ones work. */
  forgetConnections(): void
  close(): Promise<void>
}

/** Feature of Cassandra that Keyspaces does not have, and the page that says so. */
export interface Restriction {
  name: string
  page: string
  isBroken(statement: string): boolean
}

const GUIDE = 'https://docs.aws.amazon.com/keyspaces/latest/devguide'

export const RESTRICTIONS: readonly Restriction[] = [
  {
    name: 'no index, trigger, function, aggregate, materialized view, TRUNCATE or ALTER TYPE',
    page: `${GUIDE}/cassandra-apis.html`,
    isBroken: statement =>
      /^\s*(TRUNCATE|ALTER\s+TYPE|(CREATE|DROP|ALTER)\s+((CUSTOM\s+)?INDEX|TRIGGER|(OR\s+REPLACE\s+)?FUNCTION|AGGREGATE|MATERIALIZED))\b/i.test(
        statement,
      ),
  },
  {
    name: 'no aggregates in a SELECT',
    page: `${GUIDE}/functions.html`,
    isBroken: statement => /\b(COUNT|MIN|MAX|SUM|AVG)\s*\(/i.test(statement),
  },
  {
    name: 'no users, roles and permissions: IAM has them',
    page: `${GUIDE}/functional-differences.html`,
    isBroken: statement => /^\s*(GRANT|REVOKE|LIST|(CREATE|ALTER|DROP)\s+(ROLE|USER))\b/i.test(statement),
  },
  {
    name: 'no timestamp of the client where the table was not made for it',
    page: `${GUIDE}/client-side-timestamps.html`,
    isBroken: statement => /\bUSING\s+TIMESTAMP\b/i.test(statement),
  },
]

/** @see https://docs.aws.amazon.com/keyspaces/latest/devguide/consistency.html */
const READ_LEVELS: ReadonlySet<number> = new Set([0x01, 0x0a, 0x06])
const LOCAL_QUORUM = 0x06
/** @see https://docs.aws.amazon.com/keyspaces/latest/devguide/functional-differences.html */
const MAX_BATCH = 30
const UNLOGGED = 1

const PREPARED_RESULT = 4
const BAD_CREDENTIALS = 0x0100
const INVALID = 0x2200

const REGION = 'eu-central-1'
const CREDENTIALS: AwsCredentials = { accessKeyId: 'an-id', secretAccessKey: 'a-secret', sessionToken: 'a-session' }

/** @param cassandra the node's contact point; it wants neither a log-in nor TLS */
export async function startKeyspaces(cassandra: string): Promise<Keyspaces> {
  const folder = await mkdtemp(join(tmpdir(), 'landcover-keyspaces-'))
  const keystore = join(folder, 'server.p12')
  const ca = createCertificate(keystore)
  const pfx = await readFile(keystore)
  await rm(folder, { recursive: true })
  const rules = statementRules()
  const open = new Set<TLSSocket>()
  const forgotten = new WeakSet<TLSSocket>()

  function serve(client: TLSSocket): void {
    const server = connect({ port: Number(cassandra.split(':')[1]), host: '127.0.0.1' })
    open.add(client)
    relay(client, server, rules, () => forgotten.has(client))
    client.on('close', () => {
      open.delete(client)
      server.destroy()
    })
    server.on('close', () => client.destroy())
    for (const socket of [client, server]) socket.on('error', () => socket.destroy())
  }

  const listener = createServer({ pfx, passphrase: KEYSTORE_PASSWORD }, serve)
  listener.on('tlsClientError', () => undefined)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    contactPoint: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    ca,
    region: REGION,
    credentials: CREDENTIALS,
    statements: rules.statements,
    connections: () => open.size,
    forgetConnections() {
      for (const client of open) forgotten.add(client)
    },
    async close() {
      for (const client of open) client.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

type StatementRules = ReturnType<typeof statementRules>

/** Judges the statements of all connections. A statement that was prepared is known by its id. */
function statementRules() {
  const statements = new Set<string>()
  const textOf = new Map<string, string>()
  return {
    statements,
    /** Notes the text of the statement that an answer says was prepared. */
    notePrepared(text: string, { operation, body }: Frame): void {
      if (operation !== OPERATION.result || body.readUInt32BE(0) !== PREPARED_RESULT) return
      textOf.set(body.toString('hex', 6, 6 + body.readUInt16BE(4)), text)
    },
    /** Says why Keyspaces would refuse a request; undefined when it would not. */
    judge({ operation, body }: Frame): string | undefined {
      if (operation === OPERATION.query || operation === OPERATION.prepare) {
        const length = body.readUInt32BE(0)
        const statement = body.toString('utf8', 4, 4 + length)
        statements.add(statement)
        return refusal(statement, operation === OPERATION.query ? body.readUInt16BE(4 + length) : LOCAL_QUORUM)
      }
      if (operation === OPERATION.execute) {
        const length = body.readUInt16BE(0)
        return refusal(textOf.get(body.toString('hex', 2, 2 + length)) as string, body.readUInt16BE(2 + length))
      }
      if (operation === OPERATION.batch) {
        if (body[0] !== UNLOGGED) return 'a batch with a log'
        if (body.readUInt16BE(1) > MAX_BATCH) return `a batch of ${body.readUInt16BE(1)} statements`
      }
      return undefined
    },
  }
}

/** Says why Keyspaces would refuse a statement; undefined when it would not. */
function refusal(statement: string, consistency: number): string | undefined {
  const broken = RESTRICTIONS.find(({ isBroken }) => isBroken(statement))
  if (broken) return `${broken.name} (${broken.page}): ${statement}`
  const isRead = /^\s*SELECT\b/i.test(statement)
  const isLevel = isRead ? READ_LEVELS.has(consistency) : consistency === LOCAL_QUORUM
  return isLevel ? undefined : `consistency level ${consistency}: ${statement}`
}

/** Passes frames between a client and Cassandra: signs the client in, and refuses what Keyspaces would refuse. */
function relay(client: TLSSocket, server: Socket, rules: StatementRules, isForgotten: () => boolean): void {
  const nonce = randomBytes(16).toString('hex')
  const preparing = new Map<number, string>()
  let startup: Frame | undefined
  let signed: Frame | undefined
  const answer = (to: Frame, operation: number, body: Buffer) =>
    void client.write(frameBytes({ version: 0x84, stream: to.stream, operation, body }))

  onFrames(client, frame => {
    if (isForgotten()) return
    const { operation, body, stream } = frame
    if (operation === OPERATION.startup) {
      startup = frame
      return answer(frame, OPERATION.authenticate, text('org.apache.cassandra.auth.PasswordAuthenticator'))
    }
    if (operation === OPERATION.authResponse) {
      const token = body.subarray(4).toString('utf8')
      if (token === 'SigV4\0\0') return answer(frame, OPERATION.challenge, bytes(Buffer.from(`nonce=${nonce}`)))
      signed = frame
      if (isSignature(token, nonce)) return void server.write((startup as Frame).bytes)
      return answer(frame, OPERATION.error, error(BAD_CREDENTIALS, 'the signature is not right'))
    }
    const refused = rules.judge(frame)
    if (refused) return answer(frame, OPERATION.error, error(INVALID, `Keyspaces has not: ${refused}`))
    if (operation === OPERATION.prepare) preparing.set(stream, body.toString('utf8', 4))
    server.write(frame.bytes)
  })
  onFrames(server, frame => {
    if (isForgotten()) return
    const { operation, stream } = frame
    // The client waits for the end of its log-in.
    if (signed && stream === startup?.stream && operation === OPERATION.ready) {
      answer(signed, OPERATION.authSuccess, bytes(null))
      signed = undefined
      return
    }
    const prepared = preparing.get(stream)
    if (prepared !== undefined) rules.notePrepared(prepared, frame)
    preparing.delete(stream)
    client.write(frame.bytes)
  })
}

function isSignature(token: string, nonce: string): boolean {
  const signedAt = /amzdate=([^,]+)/.exec(token)?.[1] ?? ''
  return token === answerToChallenge(nonce, REGION, CREDENTIALS, new Date(signedAt))
}
