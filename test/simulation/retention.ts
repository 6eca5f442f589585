import { START } from '../../functions/core/lane.ts'
import type { StoredRecord } from './log.ts'
import type { Mapping } from './mapping.ts'
import type { World } from './world.ts'

/**
 * Removes the oldest records of a lane from the log, read or not. A delivered record stays until it is applied, because
 * retention is longer than retries. Only Kafka can tell what it removed. A lane of which nothing was read yet is not
 * changed, because its first reader would begin with what the log has.
 */
export async function removeOldest(world: World, mapping: Mapping): Promise<void> {
  const { log, store } = world
  // The two consumers read at different speeds: a record that only one has read would make batch and speed differ.
  if (log.kind === 'kinesis' || world.withBatch) return
  const lane = world.pick(log.shards)?.lane.name as string
  const read = (await store.readCursor(lane))?.lastPosition ?? START
  if (read === START || mapping.handedOver(lane) > read) return
  const last: StoredRecord | undefined = world.pick(log.kept(lane))
  if (last) log.remove(lane, last.position, read)
}
