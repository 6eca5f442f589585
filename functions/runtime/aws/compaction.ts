import { compactSettled } from '../layers.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, slotMs } from './open.ts'

/** Lambda function that merges small files of the archive, on a schedule. */
export const handler = onFirstCall(async () => {
  const objects = openObjects()
  return async () => {
    const compacted = await compactSettled({ objects }, slotMs())
    logger.info('archive: compacted', { ...compacted })
    return compacted
  }
})
