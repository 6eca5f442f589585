import { START } from '../../functions/core/lane.ts'
import type { StoredRecord } from './log.ts'
import type { Mapping } from './mapping.ts'
import type { World } from './world.ts'

/**
 * The log removes the oldest records of a lane, read or not. What was handed over once stays until it is applied:
 * retention is longer than retries take. Only Kafka tells what it removed. A lane that nothing was read of yet is
 * spared, since it begins with what the log has.
 */
export async function removeOldest(world: World, mapping: Mapping): Promise<void> {
  const { log, store } = world
  // The two consumers read at their own pace: what only one has read would make batch and speed differ.
  if (log.kind === 'kinesis' || world.withBatch) return
  const lane = world.pick(log.shards)?.lane.name as string
  const read = (await store.readCursor(lane))?.lastPosition ?? START
  if (read === START || mapping.handedOver(lane) > read) return
  const last: StoredRecord | undefined = world.pick(log.kept(lane))
  if (last) log.remove(lane, last.position, read)
}
