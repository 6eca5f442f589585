import { fromMicro } from '../fixed-point.ts'
import type { Rule } from '../unusual-image.ts'

const THRESHOLD = 2

/**
 * Rule that flags an image whose mean NDVI lies more than two standard deviations from the mean of its class in the
 * batch view.
 */
export const classZscore: Rule = {
  name: 'class-zscore',
  score(event, baseline) {
    const normal = baseline.classes.get(event.className)
    if (!normal) return null
    const z = (fromMicro(event.ndviMean) - normal.ndviMean) / normal.ndviStddev
    return Math.abs(z) > THRESHOLD ? z : null
  },
}
