import type { ViewReader } from '../../batch/view-reader.ts'
import { firstCut } from '../../core/slot.ts'
import { formatTimestamp } from '../../core/time.ts'
import type { SpeedStore } from '../../ports/speed-store.ts'

/**
 * Describes a speed store that was removed or emptied: it has read nothing, and a view counts what arrived on the log.
 * Totals are right again when the log was read, unless it has lost records that no view counts.
 *
 * @returns undefined when the store is not lost
 */
export async function describeLostStore(
  store: Pick<SpeedStore, 'readCursors'>,
  views: Pick<ViewReader, 'chain'>,
  slotMs: number,
): Promise<string | undefined> {
  if ((await store.readCursors()).length > 0) return undefined
  const { view } = await views.chain()
  if (!view || view.cut <= firstCut(slotMs)) return undefined
  return `the speed store is empty, and batch view ${view.revision} counts what arrived before ${formatTimestamp(view.cut)}: the store was removed or emptied. Its windows, unusual images, refused records and the claims of redrives are missing. What the log still has is read again. If the log has lost records since then, stop the system and run: npm run replay`
}
