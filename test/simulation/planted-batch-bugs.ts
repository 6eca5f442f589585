import { inTotals, type PlantedBug, SQL } from './planted-bugs.ts'

const SITE_PARTS = 'functions/batch/site-parts.ts'
const GROUPS = 'functions/adapters/in-groups.ts'

/** Bugs that make an acknowledgement of the embedded log untrue. Histories of appends must notice every one. */
export const PLANTED_APPEND_BUGS: readonly PlantedBug[] = [
  {
    name: 'append acknowledged before its commit',
    file: 'functions/adapters/sqlite/log-writer.ts',
    edits: [
      ["    return commit({ kind: 'append'", "    void commit({ kind: 'append'"],
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
    name: 'one of a failed group reported as stored',
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
      ['      await answer(group)\n', '      await answer(group)\n      waiting = []\n'],
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
    seed: 3,
    file: SQL,
    edits: [inTotals('arrival_slot >= :look_back', 'arrival_slot >= :from')],
  },
  {
    name: 'SQL without look-ahead',
    seed: 8,
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
        'const counted = mergeCounts([ofSlots, ofImports, again])',
        `const all = mergeCounts([ofSlots, ofImports, again])
    const counted = { ...all, days: all.days.filter(({ arrivalDay }) => arrivalDay === all.days.at(-1)?.arrivalDay) }`,
      ],
    ],
  },
  {
    name: 'publishing as soon as a lane reaches the slot',
    seed: 2,
    file: 'functions/batch/completeness.ts',
    edits: [['const nearest = Math.min(', 'const nearest = Math.max(']],
  },
  {
    name: 'publishing the slot that a lane is in',
    seed: 61,
    file: 'functions/batch/completeness.ts',
    edits: [['cut: Math.max(from, nearest - slotMs)', 'cut: Math.max(from, nearest)']],
  },
  {
    name: 'slots of a clock that leapt ahead move the cut',
    seed: 4,
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
    seed: 5,
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
    seed: 114,
    file: 'functions/serving/answers.ts',
    edits: [
      [
        'speedRowsSince(serving, cursors, view?.cut ?? 0)',
        'speedRowsSince(serving, cursors, (await serving.views.current())?.cut ?? 0)',
      ],
    ],
  },
  {
    name: 'looks of days that are counted again kept beside the new ones',
    file: SITE_PARTS,
    edits: [['const kept = isReplaced ? known.filter(look => !isReplaced(look)) : known', 'const kept = known']],
  },
  {
    name: 'files of looks that did not change left out of the next view',
    file: SITE_PARTS,
    edits: [['      next[name] = part\n      continue', '      continue']],
  },
  {
    name: 'only the new looks written into a file that changes',
    file: SITE_PARTS,
    edits: [['encodeLooks([...kept, ...fresh])', 'encodeLooks(fresh.length > 0 ? fresh : kept)']],
  },
  {
    name: 'default allowed lateness in the archive only',
    file: 'functions/archive/archive.ts',
    edits: [['latenessAt(lateness, arrivalMs)', '300_000']],
  },
  {
    name: 'two runs sharing a path',
    seed: 16,
    file: 'functions/batch/run.ts',
    edits: [['-${randomUUID()}.parquet`\n  const bytes = encodeDays', '-same.parquet`\n  const bytes = encodeDays']],
  },
  {
    name: 'a view that overwrites another',
    seed: 8,
    file: 'functions/batch/view.ts',
    edits: [['return objects.putIfAbsent(viewKey', 'return !await objects.put(viewKey']],
  },
  {
    name: 'compaction that deletes first',
    seed: 131,
    file: 'functions/archive/compaction.ts',
    edits: [
      [
        '      await objects.put(key, bytes)\n',
        '      for (const input of inputs) await objects.delete(input)\n      await objects.put(key, bytes)\n',
      ],
    ],
  },
  {
    name: 'compaction that forgets the file which fills a piece',
    file: 'functions/archive/merge.ts',
    edits: [
      [
        '    const newRows = fileRows.filter',
        '    const newRows = piece.inputs.length + 1 === limits.files ? [] : fileRows.filter',
      ],
    ],
  },
  {
    name: 'compaction that keeps the names of the files',
    file: 'functions/archive/merge.ts',
    edits: [["if (name === 'source_file') return { name, ...column, of: () => file }", '']],
  },
  {
    name: 'speed rows expiring before the batch covers them',
    seed: 4,
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
