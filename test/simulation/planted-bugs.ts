/** A bug as a change of the source of `file`: what stands there exactly once becomes something else. */
export interface PlantedBug {
  name: string
  file: string
  edits: [find: string, replacement: string][]
}

const APPLY = 'functions/speed/apply.ts'
const PRODUCER = 'test/simulation/producer.ts'
const HISTORY = 'test/simulation/history.ts'
const STORE = 'functions/adapters/sqlite-speed-store.ts'

/** Each of these loses or doubles something; the simulation must notice every one. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'cursor cached blindly',
    file: APPLY,
    edits: [
      [
        '(await store.readCursor(lane)) ?? (await startLane',
        'cursors.get(cache)?.get(lane) ?? (await store.readCursor(lane)) ?? (await startLane',
      ],
      [
        'throw new LaneContested(lane)\n  return applied',
        'throw new LaneContested(lane)\n  cursors.set(cache, new Map([[lane, next]]))\n  return applied',
      ],
      ['interface Addition', 'const cursors = new WeakMap<RowCache, Map<string, Cursor>>()\ninterface Addition'],
    ],
  },
  {
    name: 'row skip off',
    file: APPLY,
    edits: [['included < first ? addition.accumulators', 'true ? addition.accumulators']],
  },
  {
    name: 'row compare-and-set off',
    file: STORE,
    edits: [
      [
        'WHERE lane = ? AND arrival_slot = ? AND window_start = ? AND last_sequence = ?`',
        "WHERE lane = ? AND arrival_slot = ? AND window_start = ? AND ? <> ''`",
      ],
    ],
  },
  {
    name: 'cursor moved before the rows',
    file: APPLY,
    edits: [
      [
        '  for (const [key, addition] of additions) {',
        `  await store.moveCursor({ ...cursor, lastPosition: last.position, producers }, cursor.lastPosition)
  for (const [key, addition] of additions) {`,
      ],
    ],
  },
  {
    name: 'cursor without compare-and-set',
    file: STORE,
    edits: [['WHERE lane = ? AND last_sequence = ?`', "WHERE lane = ? AND ? <> 'x'`"]],
  },
  {
    name: 'duplicate inside one batch missed',
    file: APPLY,
    edits: [['isCopy(producers, origin', 'isCopy(cursor.producers, origin']],
  },
  {
    name: 'sequence compared as a string',
    file: 'functions/core/lane.ts',
    edits: [["digits.padStart(POSITION_DIGITS, '0')", 'digits']],
  },
  {
    name: 'lost answer of a compare-and-set retried blindly',
    file: APPLY,
    edits: [
      [
        'if (await store.writeRow(next, row?.lastPosition ?? null)) {',
        `const again = async () => {
      const stored = await store.readRow(addition)
      const sum = new Map(stored?.totals)
      addEach(sum, totalsOf(accumulators))
      return store.writeRow({ ...next, totals: sum }, stored?.lastPosition ?? null)
    }
    if (await store.writeRow(next, row?.lastPosition ?? null).catch(again)) {`,
      ],
    ],
  },
  {
    name: 'no inheritance from parent lanes',
    file: APPLY,
    edits: [['const ancestors = [...(parentsOf.get(lane) ?? [])]', 'const ancestors: string[] = []']],
  },
  {
    name: 'inheritance of one level only',
    file: APPLY,
    edits: [['else ancestors.push(...(parentsOf.get(name) ?? []))', '']],
  },
  {
    name: 'Kafka retry not pinned to its partition',
    file: PRODUCER,
    edits: [["lane: log.kind === 'kafka' ? lane : null", 'lane: null']],
  },
  {
    name: 'child delivered before its parent',
    file: HISTORY,
    edits: [['!inFlight.has(name) && parents.every(isDrained) &&', '!inFlight.has(name) &&']],
  },
  {
    name: 'producer id reused after giving up',
    file: PRODUCER,
    edits: [['this.#lives++\n    this.#counter = 0', '']],
  },
  {
    name: 'quarantine written after the cursor',
    file: APPLY,
    edits: [
      [
        '  await store.quarantine(quarantined)\n',
        '  setImmediate(() => store.quarantine(quarantined).catch(() => {}))\n',
      ],
    ],
  },
  {
    name: 'no look-back',
    file: 'functions/core/slot.ts',
    edits: [['Math.ceil((RETRY_LIMIT_MS + slotMs) / slotMs) * slotMs', '0']],
  },
]
