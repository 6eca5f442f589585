/** Bug as a change of the source of `file`: replaces texts that occur exactly once. */
export interface PlantedBug {
  name: string
  file: string
  edits: [find: string, replacement: string][]
}

/** Returns the source of the bug's file with the bug in it. */
export function withBug({ name, file, edits }: PlantedBug, source: string): string {
  return edits.reduce((text, [find, replacement]) => {
    const parts = text.split(find)
    if (parts.length !== 2) throw new Error(`planted bug '${name}': ${file} has its place ${parts.length - 1} times`)
    return parts.join(replacement)
  }, source)
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
const SQL = 'test/support/pipeline.ts'

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
    name: 'header of an aggregated record taken for its own',
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
    name: 'row skip off',
    file: APPLY,
    edits: [['included < first ? addition.accumulators', 'true ? addition.accumulators']],
  },
  {
    name: 'row compare-and-set off',
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
        '  for (const [key, addition] of part.additions) {',
        `  const { last, producers } = part
  await store.moveCursor({ ...cursor, lastPosition: last.position, producers }, cursor.lastPosition)
  for (const [key, addition] of part.additions) {`,
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
    name: 'refused lines of copies counted',
    file: APPLY,
    edits: [
      ['quarantined: cursor.quarantined + quarantined.length', 'quarantined: cursor.quarantined + part.late'],
      ['    if (origin) {\n', '    part.late += rejections.length\n    if (origin) {\n'],
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
    file: 'functions/redrive/standing.ts',
    edits: [['time.now() - claim.claimedMs <= LAST_ATTEMPT_MS', 'time.now() >= claim.claimedMs']],
  },
  {
    name: 'redrive that stood still after its claim',
    file: REDRIVE,
    edits: [["if (!isContinuable(claim, redrive)) return 'uncertain'", '']],
  },
  {
    name: 'redrive marked before it is appended',
    file: REDRIVE,
    edits: [
      [
        '  const failure = await appendWithRetries',
        '  await store.markRedriven(producer, time.now())\n  const failure = await appendWithRetries',
      ],
    ],
  },
  {
    name: 'redrive continued where its key leads by now',
    file: REDRIVE,
    edits: [
      ['claim.lane === null ? log.destinationOf(producer) : { lane: claim.lane }', 'log.destinationOf(producer)'],
    ],
  },
  {
    name: 'redrive claimed without compare-and-set',
    file: QUARANTINE,
    edits: [
      [
        'createRowSql(redrivesTable)',
        "createRowSql(redrivesTable).replace('INSERT', 'INSERT OR REPLACE').replace('ON CONFLICT DO NOTHING', '')",
      ],
    ],
  },
  {
    name: 'rows of a clock that was set back are taken for older ones',
    file: APPLY,
    edits: [
      [
        'const slot = slotOf(arrivalMs, slotMs)\n    part.last = record',
        'const slot = slotOf(Math.max(arrivalMs, cursor.lastArrivalMs ?? 0), slotMs)\n    part.last = record',
      ],
    ],
  },
  {
    name: 'key led by the lanes of now',
    file: KEY_ROUTE,
    edits: [['return log.destinationOf(key, await settling)', 'await settling\n    return log.destinationOf(key)']],
  },
  {
    name: 'lanes for keys settled by each process for itself',
    file: KEY_ROUTE,
    edits: [['settling ??= settledLanes(log, objects)', 'settling ??= log.lanes().then(({ length }) => length)']],
  },
  {
    name: 'loser of two that settle the lanes for keys takes its own number',
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
    file: APPLY,
    edits: [['lostRecords: cursor.lostRecords,', 'lostRecords: applied.lost,']],
  },
  {
    name: 'lost records counted with the one that was read last',
    file: LANE,
    edits: [['BigInt(until) - BigInt(read) - 1n', 'BigInt(until) - BigInt(read)']],
  },
  {
    name: 'gap that the log left taken for lost records',
    file: LANE,
    edits: [['firstKept < next ? firstKept : next', 'next']],
  },
  {
    name: 'loss told by a cursor that does not move past it',
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
    name: 'store opened without a look at its owner',
    file: COMPATIBILITY,
    edits: [
      ['stored.systemId !== null && stored.systemId !== systemId', 'stored.systemId === systemId && owns(stored)'],
      ['function ofAnother', 'const owns = (_: unknown) => false\n\nfunction ofAnother'],
    ],
  },
  {
    name: 'store of no owner given to a system with another log',
    file: COMPATIBILITY,
    edits: [['if (owner !== stored.systemId) await refuseRowsOfOtherLogs(store, system)', '']],
  },
  {
    name: 'producers forgotten where the clock leapt some hours ahead',
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

const GROUPS = 'functions/adapters/in-groups.ts'

/** Bugs that make an acknowledgement of the embedded log untrue. Histories of appends must notice every one. */
export const PLANTED_APPEND_BUGS: readonly PlantedBug[] = [
  {
    name: 'append acknowledged before its commit',
    file: 'functions/adapters/sqlite/log-writer.ts',
    edits: [
      ['    return thread.call({', '    void thread.call({'],
      [
        '[packed.bytes.buffer])\n',
        '[packed.bytes.buffer]).catch(() => {})\n    return Promise.resolve(places.map(() => ++early))\n',
      ],
      ['export interface LogWriter', 'let early = 0\nexport interface LogWriter'],
    ],
  },
  {
    name: 'one of a failed group lost',
    file: GROUPS,
    edits: [['for (const { reject } of group) reject', 'for (const { reject } of group.slice(1)) reject']],
  },
  {
    name: 'one of a failed group taken for stored',
    file: GROUPS,
    edits: [
      [
        'for (const { reject } of group) reject(error)',
        'for (const [n, call] of group.entries()) n > 0 ? call.reject(error) : call.resolve([1] as never)',
      ],
    ],
  },
  {
    name: 'appends that came during a commit fail with it',
    file: GROUPS,
    edits: [
      [
        'for (const { reject } of group) reject(error)',
        'for (const { reject } of [...group, ...waiting]) reject(error)',
      ],
    ],
  },
  {
    name: 'appends that came during a commit lost',
    file: GROUPS,
    edits: [
      ['      waiting = []\n', ''],
      ['      await settle(group)\n', '      await settle(group)\n      waiting = []\n'],
    ],
  },
  {
    name: 'appends of a group in another order',
    file: GROUPS,
    edits: [['waiting.push({ items', 'waiting.unshift({ items']],
  },
  {
    name: 'outcomes of a group given to its first append',
    file: GROUPS,
    edits: [['        next += items.length\n', '']],
  },
]

/** Bugs that make the batch layer wrong, or its answers together with the speed layer. */
export const PLANTED_BATCH_BUGS: readonly PlantedBug[] = [
  {
    name: 'SQL without dedup',
    file: SQL,
    edits: [inTotals('where copies.sequence is null and', 'where')],
  },
  {
    name: 'SQL without look-back',
    file: SQL,
    edits: [inTotals('arrival_slot >= :look_back', 'arrival_slot >= :from')],
  },
  {
    name: 'SQL without look-ahead',
    file: SQL,
    edits: [inTotals('arrival_slot <= :next_slot', 'arrival_slot < :until')],
  },
  {
    name: 'first by time instead of sequence',
    file: SQL,
    edits: [
      inTotals('order by sequence, lane) as copy', 'order by arrival_slot, sequence, lane) as copy'),
      inTotals(
        '(earlier.sequence < suspects.sequence or',
        '(earlier.arrival_slot < suspects.arrival_slot or earlier.arrival_slot = suspects.arrival_slot and earlier.sequence < suspects.sequence or',
      ),
    ],
  },
  {
    name: 'only the last day recomputed',
    file: 'functions/batch/run.ts',
    edits: [
      [
        'const counted = mergeCounts([ofSlots, ofImports])',
        `const all = mergeCounts([ofSlots, ofImports])
    const counted = { ...all, days: all.days.filter(({ arrivalDay }) => arrivalDay === all.days.at(-1)?.arrivalDay) }`,
      ],
    ],
  },
  {
    name: 'publishing as soon as a lane reaches the slot',
    file: 'functions/batch/completeness.ts',
    edits: [['const nearest = Math.min(', 'const nearest = Math.max(']],
  },
  {
    name: 'publishing the slot that a lane is in',
    file: 'functions/batch/completeness.ts',
    edits: [['cut: Math.max(from, nearest - slotMs)', 'cut: Math.max(from, nearest)']],
  },
  {
    name: 'slots of a clock that leapt ahead move the cut',
    file: 'functions/batch/completeness.ts',
    edits: [
      ['files.filter(({ slot }) => slot < until)', '[...files]'],
      ['until === Number.POSITIVE_INFINITY ? until : slotMs', 'Number.POSITIVE_INFINITY'],
    ],
  },
  {
    name: 'a lane whose clock leapt ahead holds the cut',
    file: 'functions/batch/completeness.ts',
    edits: [
      [
        'const slot = reachedBy(',
        'const slot = files.some(each => each.lane === name && each.slot >= until) ? null : reachedBy(',
      ],
    ],
  },
  {
    name: 'SQL without the slots of a clock that leapt ahead',
    file: SQL,
    edits: [inTotals('or arrival_slot in (:leapt_slots))', ')')],
  },
  {
    name: 'rows of a clock that leapt ahead not read',
    file: 'functions/serving/answers.ts',
    edits: [['Math.max(serving.now(), latestArrival(cursors))', 'serving.now()']],
  },
  {
    name: 'waiting for closed lanes',
    file: 'functions/batch/completeness.ts',
    edits: [['lanes.filter(lane => !lane.closed)', '[...lanes]']],
  },
  {
    name: 'a reader that reads the cut twice',
    file: 'functions/serving/answers.ts',
    edits: [
      [
        'speedRowsSince(serving, cursors, view?.cut ?? 0)',
        'speedRowsSince(serving, cursors, (await serving.views.current())?.cut ?? 0)',
      ],
    ],
  },
  {
    name: 'two runs sharing a path',
    file: 'functions/batch/run.ts',
    edits: [['-${randomUUID()}.parquet`\n  const bytes = encodeDays', '-same.parquet`\n  const bytes = encodeDays']],
  },
  {
    name: 'a view in the place of another',
    file: 'functions/batch/view.ts',
    edits: [['return objects.putIfAbsent(viewKey', 'return !await objects.put(viewKey']],
  },
  {
    name: 'compaction that deletes first',
    file: 'functions/archive/compaction.ts',
    edits: [
      [
        '      await objects.put(key, bytes)\n',
        '      for (const input of keys) await objects.delete(input)\n      await objects.put(key, bytes)\n',
      ],
    ],
  },
  {
    name: 'compaction that keeps the names of the files',
    file: 'functions/archive/compaction.ts',
    edits: [["if (name === 'source_file') return { name, ...column, of: () => file }", '']],
  },
  {
    name: 'speed rows expiring before the batch covers them',
    file: 'functions/batch/expiry.ts',
    edits: [['return Math.min(nowMs - ttlMs, view.cut)', 'return nowMs - ttlMs']],
  },
  {
    name: 'records without a good event unknown to the archive',
    file: 'functions/archive/archive.ts',
    edits: [['if (origin && events.length === 0) return', 'if (!origin && events.length < 0) return']],
  },
  {
    name: 'backfill beside what it replaces',
    file: 'functions/batch/run.ts',
    edits: [['const kept = known.filter(row => !isReplaced(row))', 'const kept = known']],
  },
]

/** Changes a statement where it is read from its file. */
function inTotals(find: string, replacement: string): [string, string] {
  return [
    "totals: readSql('totals')",
    `totals: readSql('totals').replace(${JSON.stringify(find)}, ${JSON.stringify(replacement)})`,
  ]
}
