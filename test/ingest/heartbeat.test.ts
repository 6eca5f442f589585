import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { type Lane, START, toPosition } from '../../functions/core/lane.ts'
import { decodeRecord } from '../../functions/core/record.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { heartbeatEveryMs, sendHeartbeats } from '../../functions/ingest/heartbeat.ts'
import type { Beats, EventLog } from '../../functions/ports/event-log.ts'
import { CLASSES, NOON_MS } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function openLog() {
  const log = openSqliteEventLog({ file: join(temporaryFolder(), 'log.sqlite'), shards: 3 })
  onTestFinished(() => log.close())
  return { log, lanes: (await log.lanes()) as [Lane, Lane, Lane] }
}

it('a heartbeat goes to every open lane, and to no closed lane, which could never be read to its end', async () => {
  const { log, lanes } = await openLog()
  const closed = { ...lanes[1], closed: true }
  const listed = [lanes[0], closed, lanes[2]]
  const sent: Beats[] = []
  // A log whose last lane has lost no record.
  const kept = new Map([lanes[0].name, lanes[1].name].map((name, index) => [name, toPosition(index + 4)]))
  const listing: EventLog = {
    ...log,
    lanes: async () => listed,
    firstKept: async lane => kept.get(lane) ?? null,
  }
  await sendHeartbeats(listing, NOON_MS, async beats => void sent.push(beats))
  const stored = await Promise.all(lanes.map(({ name }) => log.read(name, START, 10)))
  expect(stored.map(records => records.length)).toEqual([1, 0, 1])
  for (const record of stored.flat()) expect(decodeRecord(record, NOON_MS, CLASSES).heartbeatMs).toBe(NOON_MS)
  const positions = new Map(stored.flat().map(({ lane, position }) => [lane, position]))
  expect(sent).toEqual([{ lanes: listed, positions, firstKept: kept }])
})

it('a heartbeat that the log refuses is reported, after the ones of the round that it stored', async () => {
  const { log, lanes } = await openLog()
  const refusing: EventLog = {
    ...log,
    append: async records => {
      const outcomes = await log.append(records.slice(0, 2))
      return [...outcomes, { lane: lanes[2].name, error: 'no room' }]
    },
  }
  const sent: Beats[] = []
  const sending = sendHeartbeats(refusing, NOON_MS, async beats => void sent.push(beats))
  await expect(sending).rejects.toThrow('a heartbeat was refused: no room')
  expect([...(sent[0]?.positions.keys() ?? [])]).toEqual([lanes[0].name, lanes[1].name])
})

it('heartbeats are sent twice in a slot, and each minute when slots are long', () => {
  expect([10_000, MINUTE_MS, 2 * MINUTE_MS, HOUR_MS].map(heartbeatEveryMs)).toEqual([5_000, 30_000, 60_000, 60_000])
})
