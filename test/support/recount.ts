import type { WireEvent } from '../../functions/core/event.ts'

/** Totals of a naive count of events, as integers. */
export interface Recount {
  count: number
  ndviSum: bigint
  ndviSquareSum: bigint
  ndviMin: number | null
  ndviMax: number | null
  bands: Record<'red' | 'green' | 'blue' | 'nir' | 'brightness', { count: number; sum: bigint }>
}

const BANDS = ['red', 'green', 'blue', 'nir', 'brightness'] as const

/**
 * Counts events in the simplest way, without sharing code with the system. Events must be valid.
 *
 * @param keyOf group of an event
 */
export function recount(events: Iterable<WireEvent>, keyOf: (event: WireEvent) => string): Map<string, Recount> {
  const groups = new Map<string, WireEvent[]>()
  for (const event of events) {
    const group = groups.get(keyOf(event))
    if (group) group.push(event)
    else groups.set(keyOf(event), [event])
  }
  return new Map([...groups].map(([key, group]) => [key, recountGroup(group)]))
}

function recountGroup(events: WireEvent[]): Recount {
  const micros = events.map(({ ndvi_mean }) => scaled(ndvi_mean, 6))
  const lowest = events.flatMap(({ ndvi_min }) => (ndvi_min == null ? [] : [Number(scaled(ndvi_min, 6))]))
  const highest = events.flatMap(({ ndvi_max }) => (ndvi_max == null ? [] : [Number(scaled(ndvi_max, 6))]))
  const bands = {} as Recount['bands']
  for (const band of BANDS) {
    const values = events.flatMap(event => {
      const value = event[`${band}_mean`]
      return value == null ? [] : [scaled(value, 3)]
    })
    bands[band] = { count: values.length, sum: sum(values) }
  }
  return {
    count: events.length,
    ndviSum: sum(micros),
    ndviSquareSum: sum(micros.map(micro => micro * micro)),
    ndviMin: lowest.length === 0 ? null : lowest.reduce((a, b) => Math.min(a, b)),
    ndviMax: highest.length === 0 ? null : highest.reduce((a, b) => Math.max(a, b)),
    bands,
  }
}

/** Value as an integer with a number of decimal places. Half is rounded up, like in Math.round. */
function scaled(value: number, places: number): bigint {
  return BigInt(Math.round(value * 10 ** places))
}

function sum(values: bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}

export const byClass = (event: WireEvent): string => event.class_name

/** Day and class of an event. Its timestamp must be in UTC. */
export const byDayAndClass = (event: WireEvent): string => `${event.timestamp.slice(0, 10)} ${event.class_name}`
