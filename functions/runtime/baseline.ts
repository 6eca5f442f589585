import type { ViewReader } from '../batch/view-reader.ts'
import { MINUTE_MS } from '../core/time.ts'
import { type Baseline, baselineOf, NO_BASELINE } from '../core/unusual-image.ts'
import { remembered } from './memo.ts'

/** Max age of a baseline. An older one is read again from the current view. */
const BASELINE_AGE_MS = MINUTE_MS

/** The baseline of each class, by the current batch view. */
export function currentBaseline(views: ViewReader): () => Promise<Baseline> {
  return remembered(BASELINE_AGE_MS, async () => {
    return views.read(async view => {
      if (!view) return NO_BASELINE
      const classes = await views.classes(view)
      return baselineOf(
        view.revision,
        Array.from(classes, ([className, { totals }]) => [className, totals] as const),
      )
    })
  })
}
