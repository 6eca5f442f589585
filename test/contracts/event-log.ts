import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Lane, POSITION_DIGITS, type Position, START } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { Append, AppendOutcome, EventLog } from '../../functions/ports/event-log.ts'

/** Creates a new log with at least two lanes. Each call deletes it and creates it again under the same name. */
export type OpenFreshLog = () => Promise<{
  log: EventLog
  /** Closes the log and opens it again, without changes. */
  reopen(): Promise<EventLog>
  close(): Promise<void>
}>

/** Size of a record that every log accepts. It is well below the megabyte of Kinesis and of Kafka's default. */
const LARGE_BYTES = 900 * 1024

/** Contract tests for all adapters of the port EventLog. */
export function describeEventLog(name: string, open: OpenFreshLog): void {
  describe(`the event log: ${name}`, () => {
    let opened: Awaited<ReturnType<OpenFreshLog>>
    let log: EventLog
    beforeEach(async () => {
      opened = await open()
      log = opened.log
    })
    afterEach(async () => {
      await opened.close()
    })

    test('keeps its identity when it is opened again', async () => {
      const { identity } = log
      const lanes = await log.lanes()
      const again = await opened.reopen()
      expect(again.identity).toBe(identity)
      expect(await again.lanes()).toEqual(lanes)
    })

    test('has another identity and other lanes after it was deleted and created again under the same name', async () => {
      const { identity } = log
      const names = namesOf(await log.lanes())
      await opened.close()
      opened = await open()
      expect(opened.log.identity).not.toBe(identity)
      for (const lane of await opened.log.lanes()) expect(names).not.toContain(lane.name)
    })

    test('has unique lane names that are valid in file names', async () => {
      const lanes = await log.lanes()
      expect(lanes.length).toBeGreaterThan(1)
      for (const lane of lanes) {
        expect(lane.name).toMatch(/^[A-Za-z0-9._-]+$/)
        expect(lane.name).toContain(log.identity)
        expect(lane).toMatchObject({ parents: [], closed: false })
      }
      expect(new Set(namesOf(lanes)).size).toBe(lanes.length)
    })

    test('returns the position of each appended record, in their order', async () => {
      const records = numbered(300)
      const stored = allStored(await log.append(records))
      expect(stored).toHaveLength(records.length)
      const found = new Map((await readAll(log)).map(record => [`${record.lane} ${record.position}`, text(record)]))
      expect(stored.map(({ lane, position }) => found.get(`${lane} ${position}`))).toEqual(records.map(textOf))
      expect(found.size).toBe(records.length)
    })

    test('accepts an empty append', async () => {
      expect(await log.append([])).toEqual([])
    })

    test('accepts a record of its maximum size, with the longest key', async () => {
      const data = randomBytes(Math.min(log.maxRecordBytes, 10 * 1024 * 1024))
      expect(log.maxRecordBytes).toBeGreaterThanOrEqual(LARGE_BYTES)
      const [stored] = allStored(await log.append([{ key: 'é'.repeat(256), data }]))
      const [record] = await log.read(stored?.lane as string, START, 1)
      expect(Buffer.from((record as LogRecord).data).equals(data)).toBe(true)
    })

    test('reports for a record above its maximum size that sending it again never helps, and stores the others', async () => {
      const [lane] = await someLanes(log)
      // Larger than the maximum, even without the space that a key takes.
      const tooLarge = { lane, data: Buffer.alloc(log.maxRecordBytes + 8 * 1024) }
      const [before, refused, after] = await log.append([
        { lane, data: Buffer.from('before') },
        tooLarge,
        { lane, data: Buffer.from('after') },
      ])
      expect(refused).toEqual({ error: expect.any(String), tooLarge: true })
      allStored([before as AppendOutcome, after as AppendOutcome])
      expect((await readLane(log, lane)).map(text)).toEqual(['before', 'after'])
    })

    test('puts records with the same key into one lane, and uses every lane for many keys', async () => {
      const stored = allStored(await log.append([...numbered(200), ...numbered(200)]))
      const lanes = stored.map(({ lane }) => lane)
      expect(lanes.slice(200)).toEqual(lanes.slice(0, 200))
      expect(new Set(lanes)).toEqual(new Set(namesOf(await log.lanes())))
    })

    test('sends every attempt for a key to the lane of that key', async () => {
      const records = numbered(50)
      const first = allStored(await log.append(records))
      const attempts = records.map((record, n) => ({ data: record.data, ...log.destinationOf(`key-${n}`) }))
      const again = allStored(await log.append(attempts))
      expect(again.map(({ lane }) => lane)).toEqual(first.map(({ lane }) => lane))
    })

    test('keeps the order of the records of one call within a lane', async () => {
      const [lane] = await someLanes(log)
      await log.append(numbered(700, { lane }))
      expect((await readLane(log, lane)).map(text)).toEqual(numbered(700).map(textOf))
    })

    test('keeps the order of calls within a lane', async () => {
      const records = numbered(10, { key: 'always the same' })
      for (const record of records) allStored(await log.append([record]))
      expect((await readAll(log)).map(text)).toEqual(records.map(textOf))
    })

    test('appends to the named lane', async () => {
      const lanes = namesOf(await log.lanes())
      const stored = allStored(await log.append(lanes.map(lane => ({ lane, data: Buffer.from(lane) }))))
      expect(stored.map(({ lane }) => lane)).toEqual(lanes)
      for (const lane of lanes) expect((await readLane(log, lane)).map(text)).toEqual([lane])
    })

    test('reads records after a position, without the record at the position', async () => {
      const [lane] = await someLanes(log)
      const stored = allStored(await log.append(numbered(20, { lane })))
      for (const [index, { position }] of stored.entries()) {
        const behind = await log.read(lane, position, 100)
        expect(behind.map(text)).toEqual(
          numbered(20)
            .slice(index + 1)
            .map(textOf),
        )
      }
    })

    test('reads at most the limit, and continues from any position', async () => {
      const [lane] = await someLanes(log)
      await log.append(numbered(50, { lane }))
      for (const limit of [1, 7, 49, 50]) {
        const pages: string[][] = []
        let after = START
        for (;;) {
          const page = await log.read(lane, after, limit)
          if (page.length === 0) break
          expect(page.length).toBeLessThanOrEqual(limit)
          pages.push(page.map(text))
          after = (page.at(-1) as LogRecord).position
        }
        expect(pages.flat()).toEqual(numbered(50).map(textOf))
      }
      const [first] = await log.read(lane, START, 1)
      const ten = await log.read(lane, (first as LogRecord).position, 10)
      expect((await log.read(lane, (first as LogRecord).position, 10)).map(text)).toEqual(ten.map(text))
    })

    test('reads nothing at the end of a lane, and later records from there', async () => {
      const [lane, other] = await someLanes(log)
      expect(await log.read(lane, START, 10)).toEqual([])
      const [first] = allStored(await log.append([{ lane, data: Buffer.from('first') }])) as [Stored]
      await log.append([{ lane: other, data: Buffer.from('elsewhere') }])
      expect(await log.read(lane, first.position, 10)).toEqual([])
      await log.append([{ lane, data: Buffer.from('second') }])
      expect((await log.read(lane, first.position, 10)).map(text)).toEqual(['second'])
    })

    test('tells when the oldest record after a cursor arrived, or that there is no such record', async () => {
      const [lane] = await someLanes(log)
      const waiting = (lastPosition: Position) => log.waiting({ lane, lastPosition, lastArrivalMs: null })
      expect(await waiting(START)).toEqual({ oldestMs: null, reason: null })
      allStored(await log.append(numbered(3, { lane })))
      const records = await readLane(log, lane)
      const ahead = await log.read(lane, START, 1)
      for (const [index, position] of [START, ...records.map(record => record.position)].entries()) {
        expect(await waiting(position)).toEqual({ oldestMs: records[index]?.arrivalMs ?? null, reason: null })
      }
      expect((await log.read(lane, (ahead[0] as LogRecord).position, 10)).map(text)).toEqual(['record 1', 'record 2'])
    })

    test('has every stored record at or after the first position that it keeps, if it knows that position', async () => {
      const [lane] = await someLanes(log)
      const [first] = allStored(await log.append(numbered(2, { lane }))) as [Stored]
      expect([null, first.position]).toContain(await log.firstKept(lane))
    })

    test('returns the exact bytes of records, from 0 bytes to 900 KB', async () => {
      const [lane] = await someLanes(log)
      const contents = [
        Buffer.alloc(0),
        Buffer.from([0]),
        Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x0d, 0x80]),
        Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
        // A view into a larger buffer: only the bytes of the view are the record.
        randomBytes(64).subarray(16, 32),
        randomBytes(LARGE_BYTES),
        Buffer.from('the last'),
      ]
      allStored(await log.append(contents.map(data => ({ lane, data }))))
      const read = await readLane(log, lane)
      expect(read.map(({ data }) => data.byteLength)).toEqual(contents.map(({ byteLength }) => byteLength))
      for (const [index, { data }] of read.entries()) expect(contents[index]?.equals(data)).toBe(true)
    })

    test('accepts records of several megabytes in one call', async () => {
      const [lane, other] = await someLanes(log)
      const records = Array.from({ length: 8 }, (_, index) => ({
        lane: index % 2 === 0 ? lane : other,
        data: randomBytes(LARGE_BYTES),
      }))
      const outcomes = await appendAll(log, records)
      expect(outcomes).toHaveLength(8)
      const read = await readAll(log)
      expect(read.map(fingerprint).sort()).toEqual(records.map(fingerprint).sort())
    })

    test('has positions of fixed width that ascend as text within a lane', async () => {
      const [lane] = await someLanes(log)
      const stored = allStored(await log.append(numbered(30, { lane })))
      const read = await readLane(log, lane)
      expect(read.map(({ position }) => position)).toEqual(stored.map(({ position }) => position))
      let before = START
      for (const { position } of read) {
        expect(position).toMatch(new RegExp(`^\\d{${POSITION_DIGITS}}$`))
        expect(position > before).toBe(true)
        before = position
      }
    })

    test('stamps records with their arrival time in ms, which never goes back by a slot or more', async () => {
      for (let call = 0; call < 5; call++) await log.append(numbered(20))
      for (const lane of namesOf(await log.lanes())) {
        let latest = 0
        for (const { arrivalMs } of await readLane(log, lane)) {
          expect(Number.isInteger(arrivalMs)).toBe(true)
          expect(Math.abs(arrivalMs - Date.now())).toBeLessThan(HOUR_MS)
          expect(arrivalMs).toBeGreaterThan(latest - HOUR_MS)
          latest = Math.max(latest, arrivalMs)
        }
      }
    })

    test('loses and duplicates nothing when appends run concurrently', async () => {
      const calls = Array.from({ length: 20 }, (_, call) =>
        numbered(25).map(record => ({ ...record, data: Buffer.from(`${call}:${textOf(record)}`) })),
      )
      const stored = (await Promise.all(calls.map(records => log.append(records)))).flatMap(allStored)
      const read = await readAll(log)
      expect(read.map(text).sort()).toEqual(calls.flat().map(textOf).sort())
      expect(new Set(stored.map(({ lane, position }) => `${lane} ${position}`)).size).toBe(read.length)
    })

    test('knows the end of a lane: appended records are at or before it, later records after it', async () => {
      const [lane, other] = await someLanes(log)
      if ((await log.end(lane)) === null) return
      expect(await log.end(lane)).toBe(START)
      const [first, second] = allStored(await log.append(numbered(2, { lane }))) as [Stored, Stored]
      const end = (await log.end(lane)) as Position
      expect(end >= second.position).toBe(true)
      expect(await log.read(lane, end, 10)).toEqual([])
      expect((await log.read(lane, first.position, 10)).map(text)).toEqual(['record 1'])
      await log.append(numbered(3, { lane: other }))
      const again = await opened.reopen()
      const kept = (await again.end(lane)) as Position
      expect(kept >= end).toBe(true)
      const [next] = allStored(await again.append(numbered(1, { lane }))) as [Stored]
      expect(next.position > kept).toBe(true)
      expect(((await again.end(lane)) as Position) >= next.position).toBe(true)
      await expect(again.end(`${log.identity}.no-such-lane`)).rejects.toThrow('no-such-lane')
    })

    test('refuses an unknown lane by name, and stores nothing of that call', async () => {
      const unknown = `${log.identity}.no-such-lane`
      await expect(log.read(unknown, START, 1)).rejects.toThrow(unknown)
      await expect(log.append([...numbered(3), { lane: unknown, data: Buffer.from('x') }])).rejects.toThrow(unknown)
      expect(await readAll(log)).toEqual([])
    })

    test('still has all acknowledged records after it is opened again', async () => {
      const stored = allStored(await log.append(numbered(40)))
      const read = await readAll(log)
      const again = await opened.reopen()
      expect(await readAll(again)).toEqual(read)
      const [first] = stored as [Stored]
      const [next] = allStored(await again.append([{ lane: first.lane, data: Buffer.from('later') }])) as [Stored]
      const latest = stored.filter(({ lane }) => lane === first.lane).at(-1) as Stored
      expect(next.position > latest.position).toBe(true)
    })
  })
}

type Stored = { lane: string; position: Position }

/** Records `record 0`, `record 1`, … for one destination, or each with its own key. */
function numbered(count: number, to?: { lane: string } | { key: string }): Append[] {
  return Array.from({ length: count }, (_, index) => ({
    ...(to ?? { key: `key-${index}` }),
    data: Buffer.from(`record ${index}`),
  }))
}

const text = ({ data }: LogRecord): string => Buffer.from(data).toString()
const textOf = ({ data }: Append): string => Buffer.from(data).toString()
const fingerprint = ({ data }: { data: Uint8Array }): string => Buffer.from(data.subarray(0, 32)).toString('hex')
const namesOf = (lanes: Lane[]): string[] => lanes.map(lane => lane.name)

async function someLanes(log: EventLog): Promise<[string, string]> {
  return namesOf(await log.lanes()).slice(0, 2) as [string, string]
}

function allStored(outcomes: AppendOutcome[]): Stored[] {
  return outcomes.map(outcome => {
    if ('error' in outcome) throw new Error(`a record was not stored: ${outcome.error}`)
    return outcome
  })
}

/** Appends, and sends failed records again, as producers do. A log may limit the bytes per second. */
async function appendAll(log: EventLog, records: Append[]): Promise<Stored[]> {
  const stored: Stored[] = []
  for (let left = records; left.length > 0; ) {
    const outcomes = await log.append(left)
    stored.push(...outcomes.filter(outcome => 'lane' in outcome))
    left = left.filter((_, index) => 'error' in (outcomes[index] as AppendOutcome))
  }
  return stored
}

async function readLane(log: EventLog, lane: string): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (let after = START; ; ) {
    const page = await log.read(lane, after, 1000)
    if (page.length === 0) return records
    for (const record of page) expect(record.lane).toBe(lane)
    records.push(...page)
    after = (page.at(-1) as LogRecord).position
  }
}

async function readAll(log: EventLog): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (const lane of namesOf(await log.lanes())) records.push(...(await readLane(log, lane)))
  return records
}
