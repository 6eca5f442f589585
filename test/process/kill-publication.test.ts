import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { START } from '../../functions/core/lane.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import { type Running, run } from '../support/landcover.ts'
import { openPipeline } from '../support/pipeline.ts'
import { seeded } from '../support/seeded.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SCENES = 6
/** So many that a scene needs three records. */
const EVENTS = 1_100
/** Maximum number of writes of a process that is killed. A scene needs six. */
const MOST_WRITES = 8

it('scenes that two processes publish count once, even if both are killed repeatedly, at any moment', async () => {
  const folder = temporaryFolder()
  const seed = Date.now()
  const random = seeded(seed)
  const publish = () => run('test/process/publishing.ts', [folder, `${SCENES}`, `${EVENTS}`])
  let kills = 0
  for (let isDone = false; !isDone; ) {
    const both = await Promise.all(
      [publish(), publish()].map(each => killedAfter(each, 1 + Math.floor(random.next() * MOST_WRITES))),
    )
    kills += both.filter(({ signal }) => signal === 'SIGKILL').length
    for (const { stderr, code } of both) expect([stderr, code ?? 0], `seed ${seed}`).toEqual(['', 0])
    isDone = both.some(({ stdout }) => stdout.endsWith('done\n'))
  }
  expect(kills, `seed ${seed}`).toBeGreaterThan(1)
  // A process that was not killed has published all; so the other has nothing to do.
  expect((await publish().finished).stdout).toBe('done\n')
  expect(await countedIn(folder), `seed ${seed}`).toBe(SCENES * EVENTS)
})

/** Kills a process when it begins its n-th write; the moment within the write is up to chance. */
async function killedAfter({ child, finished }: Running, writes: number) {
  let seen = 0
  child.stdout?.on('data', (text: string) => {
    seen += text.split('write\n').length - 1
    if (seen >= writes) child.kill('SIGKILL')
  })
  return finished
}

/** Number of events that the speed layer counts, of everything on the log. */
async function countedIn(folder: string): Promise<number> {
  const log = openSqliteEventLog({ file: join(folder, 'log.sqlite') })
  const lanes = await log.lanes()
  const pipeline = await openPipeline({
    ...{ streamIdentity: log.identity, slotMs: HOUR_MS, lanes: async () => lanes, now: Date.now },
  })
  onTestFinished(async () => {
    await pipeline.close()
    await log.close()
  })
  const speed = pipeline.speedProcess()
  for (const { name } of lanes) {
    const records = await log.read(name, START, 100_000)
    if (records.length > 0) await speed(kinesisEvent(log.identity, records))
  }
  return [...(await pipeline.speedTotals()).values()].reduce((sum, { count }) => sum + count, 0)
}
