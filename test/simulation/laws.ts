import { isKnownClass } from '../../functions/core/classes.ts'
import { FUTURE_TOLERANCE_MS } from '../../functions/core/event.ts'
import { DEFAULT_RULES } from '../../functions/core/rules/index.ts'
import { slotOf } from '../../functions/core/slot.ts'
import { DAY_MS, dayOf } from '../../functions/core/time.ts'
import type { Totals } from '../../functions/core/totals.ts'
import { judge, type UnusualImage } from '../../functions/core/unusual-image.ts'
import { windowOf } from '../../functions/core/window.ts'
import { imageEvent } from '../support/factories.ts'
import type { Outcome } from './history.ts'
import type { StoredRecord } from './log.ts'
import { compare, describeTotals, distinctRecords, goodEvents, recount } from './recount.ts'
import type { SentEvent } from './sent.ts'
import { BASELINE, SLOT_MS } from './world.ts'

/** Returns the breaches of the laws; empty when all laws hold. */
export async function breaches(outcome: Outcome): Promise<string[]> {
  const distinct = distinctRecords(outcome.log, SLOT_MS)
  return [
    ...outcome.seen,
    ...compare('totals', await storedTotals(outcome), expectedTotals(outcome, distinct)),
    ...compare('alerts', await storedUnusualImages(outcome, distinct), expectedUnusualImages(outcome, distinct)),
    ...redriveBreaches(outcome, distinct),
    ...compare('quarantine', await storedQuarantine(outcome), expectedQuarantine(outcome, distinct)),
    ...compare('quarantined', await countedQuarantine(outcome), countOfQuarantine(outcome, distinct)),
    ...(await lossBreaches(outcome)),
  ]
}

function expectedTotals({ classes, lateness, expired }: Outcome, records: StoredRecord[]): Map<string, string> {
  const kept = records.filter(({ arrivalMs }) => slotOf(arrivalMs, SLOT_MS) >= expired)
  return recount(kept, { classes, lateness, slotMs: SLOT_MS }, (event, { arrivalMs }) => {
    return `${slotOf(arrivalMs, SLOT_MS)} ${windowOf(event.eventMs)} ${event.className}`
  })
}

async function storedTotals({ log, store, expired }: Outcome): Promise<Map<string, string>> {
  const all: [string, Totals][] = []
  for (const { name } of log.lanes()) {
    for (const row of await store.readRows(name, { from: expired, until: Number.MAX_SAFE_INTEGER })) {
      for (const [className, totals] of row.totals) all.push([`${row.slot} ${row.windowStart} ${className}`, totals])
    }
  }
  return describeTotals(all)
}

/** Returns the unusual image that the rules require for an event, computed from the event alone. */
function expectedUnusualImage(event: SentEvent): UnusualImage | null {
  const { imageId, className, eventMs, ndviMean, nir } = event
  return judge(imageEvent({ imageId, className, eventMs, ndviMean, nir }), DEFAULT_RULES, BASELINE)
}

function expectedUnusualImages(outcome: Outcome, records: StoredRecord[]): Map<string, string> {
  const unusualImages = new Map<string, string>()
  for (const record of records) {
    for (const event of goodEvents(record, outcome.classes, SLOT_MS)) {
      const image = expectedUnusualImage(event)
      if (image && image.day >= dayOf(outcome.expired))
        unusualImages.set(
          `${image.className} ${image.day} ${image.eventMs} ${image.imageId}`,
          `${image.rule} ${image.score}`,
        )
    }
  }
  return unusualImages
}

async function storedUnusualImages(
  { store, classes, expired }: Outcome,
  records: StoredRecord[],
): Promise<Map<string, string>> {
  const times = records.flatMap(record => record.sent.events.map(event => event.eventMs))
  const unusualImages = new Map<string, string>()
  for (let ms = Math.min(...times); ms < Math.max(...times) + DAY_MS; ms += DAY_MS) {
    for (const className of classes.keys()) {
      if (dayOf(ms) < dayOf(expired)) continue
      for (const image of await store.readUnusualImages({
        className,
        day: dayOf(ms),
        upToMs: Number.MAX_SAFE_INTEGER,
        limit: 10_000,
      })) {
        unusualImages.set(
          `${image.className} ${image.day} ${image.eventMs} ${image.imageId}`,
          `${image.rule} ${image.score}`,
        )
      }
    }
  }
  return unusualImages
}

function expectedQuarantine(outcome: Outcome, records: StoredRecord[]): Map<string, string> {
  const entries = new Map<string, string>()
  for (const record of records) {
    const good = new Set(goodEvents(record, outcome.classes, SLOT_MS))
    const refused = record.sent.events.filter(event => !good.has(event)).map(event => event.line)
    for (const line of [...record.sent.badLines, ...refused])
      entries.set(`${record.lane} ${record.position} ${line}`, '')
  }
  return entries
}

async function storedQuarantine({ log, store }: Outcome): Promise<Map<string, string>> {
  const entries = new Map<string, string>()
  for (const { name } of log.lanes()) {
    for (const { position, line } of await store.readQuarantine({ lane: name, after: null, limit: 10_000 })) {
      entries.set(`${name} ${position} ${line}`, '')
    }
  }
  return entries
}

/**
 * Checks events that were refused for their class, and would be valid now. Each is on the log again, or a redrive says
 * that it is ready or uncertain. On the log it has only one identity.
 */
function redriveBreaches(outcome: Outcome, records: StoredRecord[]): string[] {
  const { listed, classes, listedMs } = outcome
  if (!listed) return []
  const places = new Map<string, number>()
  const redriven = new Map<string, number>()
  for (const record of records) {
    const good = new Set(goodEvents(record, outcome.classes, SLOT_MS))
    for (const event of record.sent.events) {
      const wasFromFuture = event.eventMs > record.arrivalMs + FUTURE_TOLERANCE_MS
      const isKnownNow = isKnownClass(classes, event.className, slotOf(listedMs, SLOT_MS))
      if (!good.has(event) && !wasFromFuture && isKnownNow) increment(places, event.imageId)
    }
  }
  // A record that the log removed before it was read was redriven nevertheless.
  const appended = new Map(outcome.log.stored.map(({ sent }) => [JSON.stringify(sent.origin), sent]))
  for (const { isRedriven, events } of appended.values()) {
    if (isRedriven) for (const { imageId } of events) increment(redriven, imageId)
  }
  const twice = [...redriven].filter(([imageId, times]) => times > (places.get(imageId) ?? 0))
  const missing = total(places) - total(redriven)
  const excused = [...listed.values()].reduce((sum, { standings }) => sum + standings.ready + standings.uncertain, 0)
  return [
    ...twice.map(([imageId, times]) => `${imageId} was redriven as ${times} records, not ${places.get(imageId) ?? 0}`),
    ...(missing > excused ? [`${missing} redriven events are not on the log, and ${excused} may be missing`] : []),
  ]
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function total(counts: ReadonlyMap<string, number>): number {
  return counts.values().reduce((sum, count) => sum + count, 0)
}

/**
 * Checks the number of records that the log removed before they were read, as each lane reports it: at least the number
 * of the records, and at most the number of their positions, some of which the log leaves empty.
 */
async function lossBreaches({ log, store }: Outcome): Promise<string[]> {
  const told = new Map((await store.readCursors()).map(({ lane, lostRecords }) => [lane, lostRecords]))
  const strangers = [...told.keys()].filter(lane => !log.lanes().some(({ name }) => name === lane))
  const wrong = log.shards.flatMap(({ lane: { name }, records, lostPositions }) => {
    const lost = records.filter(({ isLost }) => isLost).length
    const said = told.get(name) ?? 0
    const isRight = lost <= said && said <= Number(lostPositions)
    return isRight ? [] : [`${name} lost ${lost} records, at ${lostPositions} positions, and says ${said}`]
  })
  return [...wrong, ...strangers.map(lane => `the store has a cursor of ${lane}, which is not a lane of the log`)]
}

/** Returns the number of entries in the lanes' cursors. Lanes without a number are left out. */
async function countedQuarantine({ store }: Outcome): Promise<Map<string, string>> {
  const cursors = await store.readCursors()
  return new Map(cursors.flatMap(({ lane, quarantined }) => (quarantined > 0 ? [[lane, String(quarantined)]] : [])))
}

function countOfQuarantine(outcome: Outcome, records: StoredRecord[]): Map<string, string> {
  const counts = new Map<string, number>()
  for (const place of expectedQuarantine(outcome, records).keys()) increment(counts, place.split(' ', 1)[0] as string)
  return new Map(Array.from(counts, ([lane, count]) => [lane, String(count)]))
}
