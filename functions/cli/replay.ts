import { setTimeout as sleep } from 'node:timers/promises'
import { lanesToCome, type Replayed, replayArchive } from '../archive/replay.ts'
import { type Position, START } from '../core/lane.ts'
import { firstCut, lookBackMs, type Slot } from '../core/slot.ts'
import { MINUTE_MS, SECOND_MS } from '../core/time.ts'
import { sendHeartbeats } from '../ingest/heartbeat.ts'
import { SPEED_CONSUMER } from '../ports/checkpoints.ts'
import { openStage } from '../runtime/aws/stage.ts'
import { lockState } from '../runtime/local/state.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { applyDelivery, type SpeedLayer } from '../speed/apply.ts'
import { runCommand } from './command.ts'
import { progressLine } from './progress.ts'
import { RUNTIME_FLAGS, withState } from './runtime.ts'

/**
 * Maximum wait for a stage's archive. It gets records within its batching window of five minutes, and then the next
 * heartbeat.
 */
const ARCHIVED_WITHIN_MS = 30 * MINUTE_MS

await runCommand(
  {
    usage: 'npm run replay -- [flags]',
    summary:
      'Rebuilds a lost speed store from the archive: everything that no batch view counts yet. The system of a state folder must be stopped; a stage may keep receiving events.',
    flags: RUNTIME_FLAGS,
  },
  async ({ state, stage }) => {
    const { events, records, lanes } = await (stage === undefined ? replayState(state) : replayStage(stage))
    process.stdout.write(`${events} events of ${records} records replayed into ${lanes} lanes\n`)
    return 0
  },
)

function replayState(state: string): Promise<Replayed> {
  return withState(state, async runtime => {
    const { log, store, checkpoints } = await runtime.openLogAndStore()
    const lock = lockState(state)
    try {
      refuseUnlessEmpty(await store.readCursors())
      // The checkpoints may have survived the store. Without a reset, the records before them would never be applied.
      for (const { name } of await log.lanes()) await checkpoints.write(SPEED_CONSUMER, name, START)
      const cut = (await runtime.views.current())?.cut
      return await replay(runtime, firstSlot(cut, runtime.slotMs), () => false)
    } finally {
      lock.release()
    }
  })
}

/**
 * Replays a stage's archive while its speed layer is paused. The speed layer then continues where it stopped. That
 * place is before the heartbeats that are sent here, and the archive is replayed up to these. When this function is
 * interrupted, the speed layer stays paused.
 */
async function replayStage(name: string): Promise<Replayed> {
  const stage = await openStage(name)
  const progress = progressLine(process.stderr)
  try {
    const { slotMs } = stage
    const log = await stage.openLog()
    const store = await stage.openStore()
    refuseUnlessEmpty(await store.readCursors())
    const speed = await stage.pauseSpeed()
    // The speed layer may have applied records before it was paused.
    refuseUnlessEmpty(await store.readCursors())
    let ends: ReadonlyMap<string, Position> = new Map()
    await sendHeartbeats(log, Date.now(), async ({ positions }) => {
      ends = positions
    })
    const from = firstSlot((await stage.views.current())?.cut, slotMs)
    const deadline = Date.now() + ARCHIVED_WITHIN_MS
    for (;;) {
      const toCome = await lanesToCome(stage.objects, slotMs, from, ends)
      if (toCome.length === 0) break
      if (Date.now() > deadline) {
        throw new Error(`not archived within ${ARCHIVED_WITHIN_MS / MINUTE_MS} min: ${toCome.join(', ')}. ${AGAIN}`)
      }
      progress.show(`waiting until the archive has ${toCome.length} lanes up to now`)
      await sleep(Math.min(5 * SECOND_MS, slotMs / 4))
    }
    progress.clear()
    const open = new Set(ends.keys())
    const replayed = await replay(stage, from, lane => !open.has(lane)).catch(error => {
      throw new Error(`${(error as Error).message}. ${AGAIN}`, { cause: error })
    })
    await speed.resume()
    return replayed
  } finally {
    progress.clear()
    await stage.close()
  }
}

const AGAIN = 'The speed layer stays paused: empty its tables, and run this again'

function refuseUnlessEmpty(cursors: readonly unknown[]): void {
  if (cursors.length === 0) return
  throw new Error(`the speed store has rows of ${cursors.length} lanes: only an empty one can be rebuilt`)
}

function firstSlot(cut: Slot | undefined, slotMs: number): Slot {
  return Math.max((cut ?? firstCut(slotMs)) - lookBackMs(slotMs), firstCut(slotMs))
}

async function replay(
  { objects, slotMs, openSpeedLayer }: Runtime,
  from: Slot,
  isFinished: (lane: string) => boolean,
): Promise<Replayed> {
  // The archive has no heartbeats, so gaps between the positions of its records do not mean loss.
  const layer: SpeedLayer = { ...(await openSpeedLayer()), firstKept: async () => null }
  const apply = async (lane: string, records: Parameters<typeof applyDelivery>[3]) =>
    void (await applyDelivery(layer, new Map(), lane, records))
  return replayArchive({ objects, slotMs, from, isFinished, apply })
}
