import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { MergeShardsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openKinesisEventLog } from '../../functions/adapters/kinesis/event-log.ts'
import { type Lane, type Position, START } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import type { AppendOutcome, Destination, EventLog } from '../../functions/ports/event-log.ts'
import { KINESIS_REGION, type KinesisEngine, startKinesis } from './kinesis.ts'

const STREAM = 'specifics'

describe('the event log on Kinesis, special cases', () => {
  let kinesis: KinesisEngine
  let trouble: Trouble
  let log: EventLog
  beforeAll(async () => {
    kinesis = await startKinesis()
    trouble = await troubleBefore(kinesis.endpoint)
  })
  afterAll(async () => {
    trouble?.close()
    await kinesis?.stop()
  })
  beforeEach(async () => {
    await kinesis.freshStream(STREAM, 2)
    log = await openKinesisEventLog({ stream: STREAM, endpoint: trouble.endpoint, region: KINESIS_REGION })
  })
  afterEach(async () => {
    trouble.clear()
    await log.close()
  })

  const shardOf = (lane: Lane): string => lane.name.slice(log.identity.length + 1)

  async function split(lane: Lane): Promise<void> {
    // Two lanes share the 128 bits of hash keys in halves; this is the middle of the first.
    const NewStartingHashKey = String(2n ** 126n)
    await kinesis.client.send(
      new SplitShardCommand({ StreamName: STREAM, ShardToSplit: shardOf(lane), NewStartingHashKey }),
    )
    await kinesis.untilActive(STREAM)
  }

  async function merge(one: Lane, other: Lane): Promise<void> {
    const shards = { ShardToMerge: shardOf(one), AdjacentShardToMerge: shardOf(other) }
    await kinesis.client.send(new MergeShardsCommand({ StreamName: STREAM, ...shards }))
    await kinesis.untilActive(STREAM)
  }

  test('reports a missing stream, and how to create it', async () => {
    const opening = openKinesisEventLog({ stream: 'missing', endpoint: kinesis.endpoint, region: KINESIS_REGION })
    await expect(opening).rejects.toThrow('aws kinesis create-stream --stream-name missing')
  })

  test('notices that its stream was deleted and created again', async () => {
    await kinesis.freshStream(STREAM, 2)
    await expect(log.lanes()).rejects.toThrow('deleted and created again')
  })

  test('notices this also after its lanes were listed, and before it reads an unknown lane', async () => {
    await log.lanes()
    await kinesis.freshStream(STREAM, 3)
    await expect(log.lanes()).rejects.toThrow('deleted and created again')
    await expect(log.read(`${log.identity}.shardId-000000000002`, START, 1)).rejects.toThrow(
      'deleted and created again',
    )
  })

  test('describes the stream once, and lists its shards after that: AWS allows 20 descriptions a second', async () => {
    const [parent] = (await log.lanes()) as [Lane]
    await split(parent)
    for (let time = 0; time < 5; time++) await log.lanes()
    expect(trouble.count('ListShards')).toBe(7)
    expect(trouble.count('DescribeStreamSummary')).toBe(1)
  })

  test('describes the stream again when none of the known shards is left', async () => {
    trouble.next('ListShards', answer => ({
      status: 200,
      body: { ...answer, Shards: [{ ...(answer.Shards as object[])[0], ShardId: 'shardId-000000000009' }] },
    }))
    await log.lanes()
    expect(trouble.count('DescribeStreamSummary')).toBe(2)
  })

  test('names the parents of lanes that come from a split, and closes the split lane', async () => {
    const [parent, other] = (await log.lanes()) as [Lane, Lane]
    const before = positionsOf(await log.append(numbered(5, parent)))
    await split(parent)
    const lanes = await log.lanes()
    const children = lanes.filter(({ parents }) => parents.length > 0)
    expect(children.map(({ parents, closed }) => ({ parents, closed }))).toEqual([
      { parents: [parent.name], closed: false },
      { parents: [parent.name], closed: false },
    ])
    expect(lanes).toContainEqual({ ...parent, closed: true })
    expect(lanes).toContainEqual(other)
    for (const child of children) {
      const after = positionsOf(await log.append(numbered(5, child)))
      expect((after[0] as Position) > (before.at(-1) as Position)).toBe(true)
      expect(texts(await readToEnd(log, child))).toEqual(texts(await readToEnd(log, parent)))
    }
  })

  test('appends nothing to a closed lane, and reads it to its end', async () => {
    const [parent] = (await log.lanes()) as [Lane]
    await log.append(numbered(5, parent))
    await split(parent)
    await log.lanes()
    expect(await log.append(numbered(1, parent))).toEqual([{ error: expect.stringContaining('is closed') }])
    const records = await readToEnd(log, parent)
    expect(records).toHaveLength(5)
    for (let read = 0; read < 2; read++) {
      expect(await log.read(parent.name, (records.at(-1) as LogRecord).position, 10)).toEqual([])
    }
  })

  test('finds a lane that comes from a split since the last request', async () => {
    const [parent] = (await log.lanes()) as [Lane]
    await split(parent)
    const stored = await log.append(Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, data: Buffer.from(`${n}`) })))
    const lanes = new Set(stored.map(outcome => ('lane' in outcome ? outcome.lane : '')))
    expect(lanes).not.toContain(parent.name)
    let found = 0
    for (const name of lanes) found += (await log.read(name, START, 100)).length
    expect(found).toBe(50)
  })

  test('names both parents of a lane that comes from a merge', async () => {
    const [one, other] = (await log.lanes()) as [Lane, Lane]
    await merge(one, other)
    const lanes = await log.lanes()
    expect(lanes.filter(({ closed }) => closed).map(({ name }) => name)).toEqual([one.name, other.name])
    expect(lanes.find(({ closed }) => !closed)?.parents).toEqual([one.name, other.name])
  })

  test('refuses a record that would fail its whole request, and stores the others', async () => {
    const outcomes = await log.append([
      { key: 'good', data: Buffer.from('one') },
      { key: '', data: Buffer.from('no key') },
      { key: 'x'.repeat(257), data: Buffer.from('long key') },
      { key: 'large', data: Buffer.alloc(1024 * 1024) },
      { key: 'good', data: Buffer.from('two') },
    ])
    const bad = expect.objectContaining({ error: expect.any(String) })
    const good = { lane: expect.any(String), position: expect.any(String) }
    expect(outcomes).toEqual([good, bad, bad, bad, good])
    expect(outcomes[3]).toEqual({ error: expect.stringContaining('1048581 bytes'), tooLarge: true })
    expect(outcomes.map(outcome => 'tooLarge' in outcome)).toEqual([false, false, false, true, false])
  })

  test('reports which records of a request were refused', async () => {
    trouble.next('PutRecords', answer => {
      const records = answer.Records as object[]
      records[1] = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'slow down' }
      return { status: 200, body: answer }
    })
    const outcomes = await log.append(numbered(3))
    expect(outcomes.map(outcome => 'error' in outcome)).toEqual([false, true, false])
    expect(outcomes[1]).toEqual({ error: 'ProvisionedThroughputExceededException: slow down' })
  })

  test('reports a throttled request as the failure of each of its records, and sends no more of that call', async () => {
    trouble.next('PutRecords', () => refusal('ProvisionedThroughputExceededException'))
    const outcomes = await log.append(numbered(1200))
    expect(trouble.count('PutRecords')).toBe(1)
    expect(outcomes).toHaveLength(1200)
    expect(outcomes[0]).toEqual({ error: expect.stringContaining('ProvisionedThroughputExceededException') })
    expect(outcomes[1199]).toEqual({ error: expect.stringContaining('not sent') })
    expect(positionsOf(await log.append(numbered(1200)))).toHaveLength(1200)
  })

  test('treats a request without an answer as failed, and does not send it again', async () => {
    trouble.next('PutRecords', () => 'hang up')
    const [outcome] = await log.append(numbered(1))
    expect(outcome).toEqual({ error: expect.any(String) })
    expect(trouble.count('PutRecords')).toBe(1)
  })

  test('waits and reads again when reading is throttled', async () => {
    const [lane] = (await log.lanes()) as [Lane]
    await log.append(numbered(3, lane))
    for (let n = 0; n < 3; n++) trouble.next('GetRecords', () => refusal('ProvisionedThroughputExceededException'))
    expect(await log.read(lane.name, START, 10)).toHaveLength(3)
    expect(trouble.count('GetRecords')).toBe(4)
  })

  test('keeps its iterator between reads, and renews one that has expired', async () => {
    const [lane] = (await log.lanes()) as [Lane]
    await log.append(numbered(9, lane))
    const read: LogRecord[] = []
    const readOn = async (): Promise<void> => {
      read.push(...(await log.read(lane.name, read.at(-1)?.position ?? START, 3)))
    }
    await readOn()
    await readOn()
    expect(trouble.count('GetShardIterator')).toBe(1)
    trouble.next('GetRecords', () => refusal('ExpiredIteratorException'))
    await readOn()
    expect(trouble.count('GetShardIterator')).toBe(2)
    expect(texts(read)).toEqual(numbered(9).map(({ data }) => data.toString()))
  })

  test('continues to read when an answer is empty although there are more records', async () => {
    const [lane] = (await log.lanes()) as [Lane]
    await log.append(numbered(2, lane))
    trouble.next('GetRecords', (_, sent) => ({
      status: 200,
      body: { Records: [], NextShardIterator: sent.ShardIterator, MillisBehindLatest: 60_000 },
    }))
    expect(await log.read(lane.name, START, 10)).toHaveLength(2)
  })
})

function numbered(count: number, lane?: Lane): (Destination & { data: Buffer })[] {
  return Array.from({ length: count }, (_, n) => ({
    ...(lane ? { lane: lane.name } : { key: `key-${n}` }),
    data: Buffer.from(`record ${n}`),
  }))
}

const texts = (records: LogRecord[]): string[] => records.map(({ data }) => Buffer.from(data).toString())

function positionsOf(outcomes: AppendOutcome[]): Position[] {
  return outcomes.map(outcome => {
    if ('error' in outcome) throw new Error(outcome.error)
    return outcome.position
  })
}

async function readToEnd(log: EventLog, lane: Lane): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (;;) {
    const page = await log.read(lane.name, records.at(-1)?.position ?? START, 2)
    if (page.length === 0) return records
    records.push(...page)
  }
}

type Json = Record<string, unknown>
type Answer = { status: number; body: Json } | 'hang up'
/** Changes the real answer to what was sent. */
type Change = (answer: Json, sent: Json) => Answer

function refusal(type: string): Answer {
  return { status: 400, body: { __type: type, message: 'as the test wants it' } }
}

/** Server in front of the real one that makes faults which a stand-in for Kinesis never makes. */
interface Trouble {
  endpoint: string
  /** Changes the answer to the next request of an action; several are used up one by one. */
  next(action: string, change: Change): void
  /** Requests of an action since the last clear. */
  count(action: string): number
  clear(): void
  close(): void
}

async function troubleBefore(endpoint: string): Promise<Trouble> {
  let changes: { action: string; change: Change }[] = []
  let actions: string[] = []
  const server: Server = createServer(async (incoming, outgoing) => {
    const action = String(incoming.headers['x-amz-target']).split('.').at(-1) as string
    actions.push(action)
    const sent = await buffer(incoming)
    const real = await forward(endpoint, incoming, sent)
    const answer = await buffer(real)
    const index = changes.findIndex(change => change.action === action)
    const [found] = index === -1 ? [] : changes.splice(index, 1)
    const changed = found?.change(parsed(answer), parsed(sent))
    if (changed === 'hang up') outgoing.destroy()
    else if (changed) outgoing.writeHead(changed.status, JSON_TYPE).end(JSON.stringify(changed.body))
    else outgoing.writeHead(real.statusCode as number, JSON_TYPE).end(answer)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: (action, change) => changes.push({ action, change }),
    count: action => actions.filter(name => name === action).length,
    clear() {
      changes = []
      actions = []
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.1' }
const parsed = (bytes: Buffer): Json => (bytes.length === 0 ? {} : JSON.parse(bytes.toString()))

function forward(endpoint: string, { headers, method }: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    request(endpoint, { method, headers }, done).once('error', fail).end(body)
  })
}
