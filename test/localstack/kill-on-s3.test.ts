import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openS3ObjectStore } from '../../functions/adapters/s3/object-store.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import { type AthenaServer, executeOnTrino, startAthenaServer } from '../engines/athena-server.ts'
import { startTrino, TRINO_START_TIMEOUT_MS, type Trino } from '../engines/trino.ts'
import { run } from '../support/landcover.ts'
import { byClass, recount } from '../support/recount.ts'
import { seeded } from '../support/seeded.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import type { Work } from './archiving-on-s3.ts'
import { eventsBefore, LANES, recordsOf } from './history-on-s3.ts'
import { LOCALSTACK_START_TIMEOUT_MS, type LocalStack, REGION, startLocalStack } from './localstack.ts'
import { describeWithLocalStack } from './python.ts'

const KILLS = 12
const MOST_MS = 8_000

describeWithLocalStack('archive, batch and compaction on S3', () => {
  let localStack: LocalStack
  let trino: Trino
  let athena: AthenaServer
  beforeAll(async () => {
    localStack = await startLocalStack()
    trino = await startTrino({ endpoint: localStack.endpoint, region: REGION })
    athena = await startAthenaServer(executeOnTrino(trino))
  }, LOCALSTACK_START_TIMEOUT_MS + TRINO_START_TIMEOUT_MS)
  afterAll(async () => {
    await athena?.close()
    await trino?.stop()
    await localStack?.stop()
  })

  it('after repeated kill -9, the view is always complete, and exact in the end', async () => {
    const random = seeded()
    console.info(`kill -9 on S3: SEED=${random.seed}`)
    const bucket = `kills-${random.seed}`
    const client = new S3Client({ endpoint: localStack.endpoint, region: REGION, forcePathStyle: true })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
    const { schema: database } = await trino.archiveOfBucket(bucket)
    const progress = join(temporaryFolder(), 'progress.json')
    writeFileSync(progress, JSON.stringify(Object.fromEntries(LANES.map(({ name }) => [name, 0]))))
    const { seed } = random
    const work: Work = {
      seed,
      bucket,
      s3: localStack.endpoint,
      athena: athena.endpoint,
      database,
      region: REGION,
      progress,
    }

    const objects = openS3ObjectStore({ bucket, endpoint: localStack.endpoint, region: REGION })
    const views = viewReader(objects)
    const records = recordsOf(seed)
    let published = 0
    /** Compares the current view with the events that arrived before its cut. */
    const look = async () => {
      const view = await views.current()
      if (!view) return
      expect(view.revision).toBeGreaterThanOrEqual(published)
      published = view.revision
      const classes = await views.classes(view)
      const expected = recount(eventsBefore(records, view.cut), byClass)
      expect([...classes.keys()].sort(), `seed ${seed}`).toEqual([...expected.keys()].sort())
      for (const [name, { totals }] of classes) {
        const { count, ndviSum, ndviSquareSum } = expected.get(name) as NonNullable<ReturnType<typeof expected.get>>
        expect({ count: totals.count, sum: totals.ndviSum, squares: totals.ndviSquareSum }, `seed ${seed}`).toEqual({
          count,
          sum: ndviSum,
          squares: ndviSquareSum,
        })
      }
      return view
    }

    for (let kill = 0; kill < KILLS; kill++) {
      const archiving = run('test/localstack/archiving-on-s3.ts', [JSON.stringify(work)])
      const ending = sleep(500 + random.next() * MOST_MS).then(() => archiving.child.kill('SIGKILL'))
      let hasEnded = false
      void archiving.finished.then(() => {
        hasEnded = true
      })
      while (!hasEnded) {
        await look()
        await sleep(100)
      }
      await ending
    }
    const { code, stderr } = await run('test/localstack/archiving-on-s3.ts', [JSON.stringify(work)]).finished
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const view = await look()
    const all = eventsBefore(records, Number.POSITIVE_INFINITY)
    expect(view?.audit.images).toBe(all.length)
    // Without views, the kills came too early to test anything.
    expect(view?.revision).toBeGreaterThan(3)
    console.info(`${KILLS} kills, ${view?.revision} views`)
    objects.close()
  })
})
