import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { openS3ObjectStore } from '../../functions/adapters/s3/object-store.ts'
import { openAthenaBatchQuery } from '../../functions/adapters/sql/athena-batch-query.ts'
import { openSqliteSpeedStore } from '../../functions/adapters/sqlite/speed-store.ts'
import { archiveDelivery } from '../../functions/archive/archive.ts'
import { compactArchive } from '../../functions/archive/compaction.ts'
import { runBatch } from '../../functions/batch/run.ts'
import { DEFAULT_LATENESS } from '../../functions/core/lateness.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { CLASSES } from '../support/factories.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { LANES, recordsOf, SLOT_MS } from './history-on-s3.ts'

/** Task of the process: services to use, and its progress. */
export interface Work {
  seed: number
  bucket: string
  s3: string
  athena: string
  database: string
  region: string
  /** File with the number of archived records of each lane. Lambda would remember it. */
  progress: string
}

/**
 * Archives a history on S3 in deliveries of random sizes, with batch runs and compactions in between, until everything
 * is published. Tests kill this process at any moment and start it again.
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
/** Simulated time. It jumps, so that compaction deletes replaced files, and starts later than in any earlier process. */
let nowMs = Date.now() + performance.timeOrigin * 10

for (let isPublished = false; !isPublished; ) {
  for (const [lane, all] of records) {
    const from = archived[lane] as number
    const until = Math.min(all.length, from + 1 + Math.floor(Math.random() * 40))
    if (until === from) continue
    await archiveDelivery(
      { objects, slotMs: SLOT_MS, lateness: DEFAULT_LATENESS, classes: async () => CLASSES },
      lane,
      all.slice(from, until),
    )
    archived[lane] = until
    writeFileSync(`${work.progress}.new`, JSON.stringify(archived))
    renameSync(`${work.progress}.new`, work.progress)
  }
  // There is no speed layer here, so totals cannot be compared with it.
  const { view, published } = await runBatch(batch, { trustSpeed: false })
  isPublished = isArchived() && !published
  nowMs += 2 * HOUR_MS
  // Earlier than in the real system, which compacts slots only days after they are published.
  if (view) await compactArchive({ objects, slotMs: SLOT_MS, before: view.cut, now: () => nowMs })
}
process.stdout.write('all is published\n')
process.exit(0)
