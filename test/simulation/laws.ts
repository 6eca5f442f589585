import { isKnownClass } from '../../functions/core/classes.ts'
import { FUTURE_TOLERANCE_MS } from '../../functions/core/event.ts'
import { slotOf } from '../../functions/core/slot.ts'
import { DAY_MS, dayOf } from '../../functions/core/time.ts'
import type { Totals } from '../../functions/core/totals.ts'
import { windowOf } from '../../functions/core/window.ts'
import { expectedAlert, type Outcome, SLOT_MS } from './history.ts'
import type { StoredRecord } from './log.ts'
import { compare, describeTotals, distinctRecords, goodEvents, recount } from './recount.ts'

/** The breaches of the laws; none when all hold. */
export async function breaches(outcome: Outcome): Promise<string[]> {
  const distinct = distinctRecords(outcome.log)
  return [
    ...outcome.seen,
    ...compare('totals', await storedTotals(outcome), expectedTotals(outcome, distinct)),
    ...compare('alerts', await storedAlerts(outcome, distinct), expectedAlerts(outcome, distinct)),
    ...redriveBreaches(outcome, distinct),
    ...compare('quarantine', await storedQuarantine(outcome), expectedQuarantine(outcome, distinct)),
    ...compare('quarantined', await countedQuarantine(outcome), countOfQuarantine(outcome, distinct)),
  ]
}

function expectedTotals({ classes, expired }: Outcome, records: StoredRecord[]): Map<string, string> {
  const kept = records.filter(({ arrivalMs }) => slotOf(arrivalMs, SLOT_MS) >= expired)
  return recount(kept, classes, SLOT_MS, (event, { arrivalMs }) => {
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

function expectedAlerts(outcome: Outcome, records: StoredRecord[]): Map<string, string> {
  const alerts = new Map<string, string>()
  for (const record of records) {
    for (const event of goodEvents(record, outcome.classes, SLOT_MS)) {
      const alert = expectedAlert(event)
      if (alert && alert.day >= dayOf(outcome.expired))
        alerts.set(`${alert.className} ${alert.day} ${alert.eventMs} ${alert.imageId}`, `${alert.rule} ${alert.score}`)
    }
  }
  return alerts
}

async function storedAlerts(
  { store, classes, expired }: Outcome,
  records: StoredRecord[],
): Promise<Map<string, string>> {
  const times = records.flatMap(record => record.sent.events.map(event => event.eventMs))
  const alerts = new Map<string, string>()
  for (let ms = Math.min(...times); ms < Math.max(...times) + DAY_MS; ms += DAY_MS) {
    for (const className of classes.keys()) {
      if (dayOf(ms) < dayOf(expired)) continue
      for (const alert of await store.readAlerts({
        className,
        day: dayOf(ms),
        upToMs: Number.MAX_SAFE_INTEGER,
        limit: 10_000,
      })) {
        alerts.set(`${alert.className} ${alert.day} ${alert.eventMs} ${alert.imageId}`, `${alert.rule} ${alert.score}`)
      }
    }
  }
  return alerts
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
    for (const { position, index } of await store.readQuarantine({ lane: name, after: null, limit: 10_000 })) {
      entries.set(`${name} ${position} ${index}`, '')
    }
  }
  return entries
}

/**
 * What was refused for its class, and would not be by now, is on the log once more, or a redrive says that it is ready
 * or that it cannot tell; and it is there under one identity.
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
      if (record.sent.isRedriven) increment(redriven, event.imageId)
    }
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

/** How many entries the lanes' cursors say that there are; lanes that say none are left out. */
async function countedQuarantine({ store }: Outcome): Promise<Map<string, string>> {
  const cursors = await store.readCursors()
  return new Map(cursors.flatMap(({ lane, quarantined }) => (quarantined > 0 ? [[lane, String(quarantined)]] : [])))
}

function countOfQuarantine(outcome: Outcome, records: StoredRecord[]): Map<string, string> {
  const counts = new Map<string, number>()
  for (const place of expectedQuarantine(outcome, records).keys()) increment(counts, place.split(' ', 1)[0] as string)
  return new Map(Array.from(counts, ([lane, count]) => [lane, String(count)]))
}
