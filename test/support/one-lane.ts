import { cp } from 'node:fs/promises'
import { onTestFinished } from 'vitest'
import type { ClassList } from '../../functions/core/classes.ts'
import type { Lane, Position } from '../../functions/core/lane.ts'
import { toPosition } from '../../functions/core/lane.ts'
import type { Lateness } from '../../functions/core/lateness.ts'
import { encodeHeartbeat, type LogRecord } from '../../functions/core/record.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { CLASSES, NOON_MS } from './factories.ts'
import { openLanes, openPipeline } from './pipeline.ts'

const STREAM = 'stream'

/** Files, time and last position of a pipeline with nothing under way. */
export interface AtRest {
  folder: string
  nowMs: number
  sequence: number
}

/** Pipeline with one lane. The test itself is the log, and sets the clock. */
export async function openOneLane({
  slotMs,
  lateness,
  lanes = openLanes(STREAM, 1),
  classes = CLASSES,
  store,
  firstKept,
  copyOf,
}: {
  slotMs: number
  lateness?: Lateness
  lanes?: Lane[]
  classes?: ClassList
  store?: SpeedStore
  firstKept?: (lane: string) => Promise<Position | null>
  /** Pipeline of one lane at rest. This one goes on from its files, time and last position. */
  copyOf?: AtRest
}) {
  const clock = { nowMs: copyOf?.nowMs ?? NOON_MS }
  const pipeline = await openPipeline({
    streamIdentity: STREAM,
    slotMs,
    lanes: async () => lanes,
    now: () => clock.nowMs,
    classes,
    ...(lateness && { lateness }),
    ...(store && { store }),
    ...(firstKept && { firstKept }),
    ...(copyOf && { copyOf: copyOf.folder }),
  })
  onTestFinished(() => pipeline.close())
  const lane = (lanes[0] as Lane).name
  const archive = pipeline.archiveProcess()
  let sequence = copyOf?.sequence ?? 0

  /** Creates a record with the next position and the current time. */
  const append = (data: Uint8Array | string, at = lane): LogRecord => ({
    lane: at,
    position: toPosition(++sequence),
    arrivalMs: clock.nowMs,
    data: Buffer.from(data),
  })
  /** New process of the speed layer, which keeps its memory between deliveries. */
  const speedProcess = (through?: SpeedStore) => {
    const handle = pipeline.speedProcess(through)
    return (records: readonly LogRecord[]) => handle(kinesisEvent(STREAM, records))
  }
  return {
    pipeline,
    lane,
    clock,
    append,
    heartbeat: (at = lane) => append(encodeHeartbeat(clock.nowMs), at),
    /** Delivers records to a new process of the speed layer. @param through the store, or one with faults */
    speed: (records: readonly LogRecord[], through?: SpeedStore) => speedProcess(through)(records),
    speedProcess,
    archive: (records: readonly LogRecord[]) => archive(kinesisEvent(STREAM, records)),
    /** Copies the files to a folder, for pipelines that go on from here. */
    async copyTo(folder: string): Promise<AtRest> {
      await cp(pipeline.folder, folder, { recursive: true })
      return { folder, nowMs: clock.nowMs, sequence }
    },
  }
}
