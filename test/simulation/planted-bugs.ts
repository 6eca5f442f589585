/** Bug as a change of the source of `file`: replaces texts that occur exactly once. */
export interface PlantedBug {
  name: string
  file: string
  edits: [find: string, replacement: string][]
  /**
   * Seed of the first history to play: it notices the bug, and few or none before it do. It only saves time: when the
   * histories have changed, more of them are played. 1 by default.
   */
  seed?: number
}

/** Returns the source of the bug's file with the bug in it. */
export function withBug({ name, file, edits }: PlantedBug, source: string): string {
  return edits.reduce((text, [find, replacement]) => {
    const parts = text.split(find)
    if (parts.length !== 2) throw new Error(`planted bug '${name}': ${file} has its place ${parts.length - 1} times`)
    return parts.join(replacement)
  }, source)
}

/** File that reads the SQL of the batch layer for the pipelines of tests. */
export const SQL = 'test/support/pipeline.ts'

/** Makes the edit of that file that changes the SQL. */
export function inTotals(find: string, replacement: string): [string, string] {
  return ['readSql(name)', `readSql(name).replace(${JSON.stringify(find)}, ${JSON.stringify(replacement)})`]
}

const APPLY = 'functions/speed/apply.ts'
const RECORD_LINES = 'functions/core/record-lines.ts'
const PRODUCER = 'test/simulation/producer.ts'
const MAPPING = 'test/simulation/mapping.ts'
const REDRIVE = 'functions/redrive/redrive.ts'
const STORE = 'functions/adapters/sqlite/speed-store.ts'
const QUARANTINE = 'functions/adapters/sqlite/quarantine.ts'
const LANE = 'functions/core/lane.ts'
const KEY_ROUTE = 'functions/ingest/key-route.ts'
const COMPATIBILITY = 'functions/runtime/store-compatibility.ts'

/** Bugs that lose or duplicate something. The simulation must notice every one. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'only the first element of an array counts',
    file: RECORD_LINES,
    edits: [
      [
        'return elements?.every(isJson) ? elements : null',
        'return elements?.every(isJson) ? elements.slice(0, 1) : null',
      ],
    ],
  },
  {
    name: 'header of an aggregated record used as its own',
    file: RECORD_LINES,
    edits: [["  refuseHeaders(lines, 'aggregated record of the Kinesis Producer Library')\n", '']],
  },
  {
    name: 'line of a wrapper quarantined with the whole record',
    file: 'functions/core/record.ts',
    edits: [["bytes: typeof raw === 'string' ? Buffer.from(raw) : raw })", 'bytes: record.data })']],
  },
  {
    name: 'last user record of an aggregated one missed',
    file: 'functions/core/kinesis-aggregation.ts',
    edits: [
      ['flatMap(record => bytesOf(record, DATA_FIELD))', 'flatMap(record => bytesOf(record, DATA_FIELD)).slice(0, -1)'],
    ],
  },
  {
    name: 'cursor cached blindly',
    file: APPLY,
    edits: [
      [
        '(await layer.store.readCursor(lane)) ?? (await startLane',
        'cursors.get(cache)?.get(lane) ?? (await layer.store.readCursor(lane)) ?? (await startLane',
      ],
      [
        'throw new LaneContestedError(cursor.lane)\n',
        'throw new LaneContestedError(cursor.lane)\n  cursors.set(cache, new Map([[cursor.lane, next]]))\n',
      ],
      ['interface Addition', 'const cursors = new WeakMap<RowCache, Map<string, Cursor>>()\ninterface Addition'],
    ],
  },
  {
    name: 'records that a row includes are added again',
    file: APPLY,
    edits: [['included < first ? addition.accumulators', 'true ? addition.accumulators']],
  },
  {
    name: 'row compare-and-set off',
    seed: 85,
    file: STORE,
    edits: [
      [
        'replaceRowSql(totalsTable)',
        `replaceRowSql(totalsTable).replace('last_sequence = :replaced', ":replaced <> ''")`,
      ],
    ],
  },
  {
    name: 'cursor moved before the rows',
    file: APPLY,
    edits: [
      [
        '  for (const [key, addition] of chunk.additions) {',
        `  const { last, producers } = chunk
  await store.moveCursor({ ...cursor, lastPosition: last.position, producers }, cursor.lastPosition)
  for (const [key, addition] of chunk.additions) {`,
      ],
    ],
  },
  {
    name: 'cursor without compare-and-set',
    file: STORE,
    edits: [
      [
        'replaceRowSql(cursorTable)',
        `replaceRowSql(cursorTable).replace('last_sequence = :replaced', ":replaced <> 'x'")`,
      ],
    ],
  },
  {
    name: 'duplicate inside one batch missed',
    file: APPLY,
    edits: [['isCopy(producers, origin', 'isCopy(cursor.producers, origin']],
  },
  {
    name: 'sequence compared as a string',
    file: LANE,
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
    file: MAPPING,
    edits: [['      parents.every(parent => this.#isDrained(parent)) &&\n', '']],
  },
  {
    name: 'producer id reused after giving up',
    seed: 183,
    file: PRODUCER,
    edits: [['this.#lives++\n    this.#counter = 0', '']],
  },
  {
    name: 'quarantine written after the cursor',
    seed: 12,
    file: APPLY,
    edits: [
      [
        '  await store.quarantine(quarantined)\n',
        '  setImmediate(() => store.quarantine(quarantined).catch(() => {}))\n',
      ],
    ],
  },
  {
    name: 'refused lines of copies counted',
    file: APPLY,
    edits: [
      ['quarantined: cursor.quarantined + quarantined.length', 'quarantined: cursor.quarantined + chunk.late'],
      ['    if (origin) {\n', '    chunk.late += rejections.length\n    if (origin) {\n'],
    ],
  },
  {
    name: 'count of the quarantine not carried on',
    file: APPLY,
    edits: [['quarantined: cursor.quarantined + quarantined.length', 'quarantined: quarantined.length']],
  },
  {
    name: 'redrive that deletes its entry',
    file: QUARANTINE,
    edits: [
      [
        '      return isOne(await whenFree(database, () => durably(database, () => mark.run',
        `      database
        .prepare(
          \`DELETE FROM quarantine WHERE (lane, sequence, line) IN
           (SELECT entry_lane, entry_sequence, entry_line FROM quarantine_redrives WHERE producer = ?)\`,
        )
        .run(producer)
      return isOne(await whenFree(database, () => durably(database, () => mark.run`,
      ],
    ],
  },
  {
    name: 'redrive under a fresh identity',
    file: 'functions/redrive/redriven-record.ts',
    edits: [
      ['JSON.stringify(identity)', 'JSON.stringify([identity, made++])'],
      ['export const REDRIVE_PREFIX', 'let made = 0\nexport const REDRIVE_PREFIX'],
    ],
  },
  {
    name: 'redrive appends before it claims',
    file: REDRIVE,
    edits: [
      [
        '  const claim = known ?? (await claimEntry(redrive, entry, producer))\n',
        `  if (!known) {
    const early = { ...log.destinationOf(producer), data }
    if ((await appendWithRetries(log, early, time, onRetry, signal)) !== null) return 'unacknowledged'
  }
  const claim = known ?? (await claimEntry(redrive, entry, producer))
  if (!known) {
    await store.markRedriven(producer, time.now())
    return 'redriven'
  }
`,
      ],
    ],
  },
  {
    name: 'late continuation of a redrive appended blindly',
    seed: 35,
    file: 'functions/ingest/retry.ts',
    edits: [['time.now() - claim.claimedMs <= LAST_ATTEMPT_MS', 'time.now() >= claim.claimedMs']],
  },
  {
    name: 'redrive that was suspended after its claim',
    seed: 35,
    file: REDRIVE,
    edits: [["if (!isContinuable(claim, redrive)) return 'uncertain'", '']],
  },
  {
    name: 'redrive marked before it is appended',
    seed: 33,
    file: REDRIVE,
    edits: [
      [
        '  const failure = await appendWithRetries',
        '  await store.markRedriven(producer, time.now())\n  const failure = await appendWithRetries',
      ],
    ],
  },
  {
    name: 'redrive continued in the lane that its key has now',
    seed: 136,
    file: REDRIVE,
    edits: [
      ['claim.lane === null ? log.destinationOf(producer) : { lane: claim.lane }', 'log.destinationOf(producer)'],
    ],
  },
  {
    name: 'redrive claimed without compare-and-set',
    seed: 341,
    file: QUARANTINE,
    edits: [
      [
        'createRowSql(redrivesTable)',
        "createRowSql(redrivesTable).replace('INSERT', 'INSERT OR REPLACE').replace('ON CONFLICT DO NOTHING', '')",
      ],
    ],
  },
  {
    name: 'newest allowed lateness used for earlier records',
    file: APPLY,
    edits: [['latenessAt(lateness, arrivalMs)', 'latenessAt(lateness, Number.POSITIVE_INFINITY)']],
  },
  {
    name: 'default allowed lateness where a row includes some of the records',
    seed: 178,
    file: APPLY,
    edits: [['latenessAt(lateness, record.arrivalMs)', '300_000']],
  },
  {
    name: 'rows of a clock that was set back are taken for older ones',
    file: APPLY,
    edits: [
      [
        'const slot = slotOf(arrivalMs, slotMs)\n    chunk.last = record',
        'const slot = slotOf(Math.max(arrivalMs, cursor.lastArrivalMs ?? 0), slotMs)\n    chunk.last = record',
      ],
    ],
  },
  {
    name: 'key sent to one of the current lanes',
    seed: 41,
    file: KEY_ROUTE,
    edits: [['return log.destinationOf(key, await laneCount)', 'await laneCount\n    return log.destinationOf(key)']],
  },
  {
    name: 'lanes for keys chosen by each process separately',
    seed: 56,
    file: KEY_ROUTE,
    edits: [['laneCount ??= storedLaneCount(log, objects)', 'laneCount ??= log.lanes().then(({ length }) => length)']],
  },
  {
    name: 'second of two processes that choose the lanes for keys keeps its own number',
    seed: 64,
    file: KEY_ROUTE,
    edits: [
      [
        'Buffer.from(JSON.stringify({ lanes })))) return lanes',
        'Buffer.from(JSON.stringify({ lanes }))) || lanes) return lanes',
      ],
    ],
  },
  {
    name: 'lost records not carried on',
    seed: 60,
    file: APPLY,
    edits: [['lostRecords: cursor.lostRecords,', 'lostRecords: applied.lost,']],
  },
  {
    name: 'lost records counted with the one that was read last',
    seed: 60,
    file: LANE,
    edits: [['BigInt(until) - BigInt(read) - 1n', 'BigInt(until) - BigInt(read)']],
  },
  {
    name: 'gap left by the log counted as lost records',
    file: LANE,
    edits: [['firstKept < next ? firstKept : next', 'next']],
  },
  {
    name: 'loss reported by a cursor that does not move past it',
    seed: 60,
    file: APPLY,
    edits: [
      [
        '  const classes = await layer.classes()\n',
        `  if (applied.lost > 0) await layer.store.moveCursor(cursor, cursor.lastPosition)
  const classes = await layer.classes()
`,
      ],
    ],
  },
  {
    name: 'store opened without a check of its owner',
    file: COMPATIBILITY,
    edits: [
      ['stored.systemId !== null && stored.systemId !== systemId', 'stored.systemId === systemId && owns(stored)'],
      ['function ofAnother', 'const owns = (_: unknown) => false\n\nfunction ofAnother'],
    ],
  },
  {
    name: 'store without an owner given to a system with another log',
    file: COMPATIBILITY,
    edits: [['if (owner !== stored.systemId) await refuseRowsOfOtherLogs(store, system)', '']],
  },
  {
    name: 'producers forgotten where the clock leapt some hours ahead',
    seed: 88,
    file: 'functions/core/cursor.ts',
    edits: [
      [
        'latestFirst[rememberedMs(slotMs) / slotMs + LEAPT_SLOTS - 1] ?? Number.NEGATIVE_INFINITY',
        'latestFirst[0] ?? 0',
      ],
    ],
  },
  {
    name: 'no look-back',
    file: 'functions/core/slot.ts',
    edits: [['Math.ceil((RETRY_LIMIT_MS + slotMs) / slotMs) * slotMs', '0']],
  },
]
