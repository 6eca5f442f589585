import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { openAthenaBatchQuery } from '../../functions/adapters/athena-batch-query.ts'
import { openS3ObjectStore } from '../../functions/adapters/s3-object-store.ts'
import { openSqliteSpeedStore } from '../../functions/adapters/sqlite-speed-store.ts'
import { archiveDelivery } from '../../functions/archive/archive.ts'
import { compactArchive } from '../../functions/archive/compaction.ts'
import { runBatch } from '../../functions/batch/run.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { CLASSES } from '../support/factories.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { LANES, recordsOf, SLOT_MS } from './history-on-s3.ts'

/** Where the process works. */
export interface Work {
  seed: number
  bucket: string
  s3: string
  athena: string
  database: string
  region: string
  /** A file with how many records of each lane are archived: what Lambda would remember. */
  progress: string
}

/**
 * Archives a history on S3 in deliveries of random sizes, runs the batch layer and compacts in between, until all is
 * published: to be killed at any moment, and started again.
 */
const work = JSON.parse(process.argv[2] as string) as Work
const objects = openS3ObjectStore({ bucket: work.bucket, endpoint: work.s3, region: work.region })
const query = openAthenaBatchQuery({
  workGroup: 'landcover',
  database: work.database,
  endpoint: work.athena,
  region: work.region,
})
const batch = {
  objects,
  query,
  store: openSqliteSpeedStore(`${work.progress}.sqlite`),
  lanes: async () => [...LANES],
  slotMs: SLOT_MS,
  sql: BATCH_SQL,
  now: Date.now,
}
const records = recordsOf(work.seed)
const archived = JSON.parse(readFileSync(work.progress, 'utf8')) as Record<string, number>
const isArchived = () => records.entries().every(([lane, all]) => archived[lane] === all.length)
/** Leaps, so that compaction deletes what it has replaced; behind that of any process before. */
let nowMs = Date.now() + performance.timeOrigin * 10

for (let isPublished = false; !isPublished; ) {
  for (const [lane, all] of records) {
    const from = archived[lane] as number
    const until = Math.min(all.length, from + 1 + Math.floor(Math.random() * 40))
    if (until === from) continue
    await archiveDelivery({ objects, slotMs: SLOT_MS, classes: async () => CLASSES }, lane, all.slice(from, until))
    archived[lane] = until
    writeFileSync(`${work.progress}.new`, JSON.stringify(archived))
    renameSync(`${work.progress}.new`, work.progress)
  }
  // The speed layer takes no part here, so there is nothing to hold the totals against.
  const { view, published } = await runBatch(batch, { trustSpeed: false })
  isPublished = isArchived() && !published
  nowMs += 2 * HOUR_MS
  // Sooner than the system does, which leaves slots alone for days after they are published.
  if (view) await compactArchive({ objects, slotMs: SLOT_MS, before: view.cut, now: () => nowMs })
}
process.stdout.write('all is published\n')
process.exit(0)
