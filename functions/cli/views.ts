import type { BatchRun } from '../batch/run.ts'
import type { View } from '../batch/view.ts'
import { firstCut } from '../core/slot.ts'
import { byName } from '../core/text-order.ts'
import { formatTimestamp } from '../core/time.ts'

/** Lines for people on the lanes for which the cut waits. */
export function describeBehind(behind: BatchRun['behind']): string[] {
  return behind.map(({ lane, latestSlot }) => {
    const reached = latestSlot === null ? 'is not archived yet' : `is archived up to ${formatTimestamp(latestSlot)}`
    return `lane ${lane} stays behind: it ${reached}`
  })
}

/** Line for people on the view after a batch run. */
export function describeView(view: View | undefined, published: boolean, slotMs: number): string {
  if (!view) return 'nothing to count yet: no arrival slot is complete'
  const counted = `${view.audit.images} images, ${describeCut(view, slotMs)}`
  return published
    ? `view ${view.revision}: ${counted}; ${view.audit.added} new in ${view.audit.seconds.toFixed(1)} s`
    : `nothing new: view ${view.revision} counts ${counted}`
}

/** Explains how a view was made, in lines of text. */
export function explainView(view: View | undefined, slotMs: number): string {
  if (!view) return 'there is no view yet\n'
  const { revision, publishedAt, parts, imports, audit } = view
  const missing = audit.missed === 0 ? '' : '; npm run backfill counts them'
  const lines: [string, string][] = [
    ['view', `${revision}, published ${publishedAt} by a ${audit.kind}`],
    ['counts', `${audit.images} images, ${describeCut(view, slotMs)}; ${imports.length} imports`],
    ['added', `${audit.added} images in ${audit.seconds.toFixed(1)} s`],
    ['read', `${audit.slots} arrival slots, ${audit.files} files, ${audit.rows} rows, ${audit.bytesScanned} bytes`],
    ['left out', `${audit.overlapping} rows of overlapping files, ${audit.copies} events of copies`],
    ['missed', `${audit.missed} events that came after their slot was counted${missing}`],
    ...Object.entries(parts)
      .sort(byName)
      .map(([name, part]): [string, string] => [
        `part ${name}`,
        `${part.images} images of ${part.firstDay} to ${part.lastDay}, ${part.key}`,
      ]),
  ]
  const width = Math.max(...lines.map(([name]) => name.length)) + 2
  return lines.map(([name, text]) => `${name.padEnd(width)}${text}\n`).join('')
}

function describeCut({ cut }: View, slotMs: number): string {
  return cut > firstCut(slotMs) ? `all that arrived before ${formatTimestamp(cut)}` : 'imports only'
}
