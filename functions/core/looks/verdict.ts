import type { Detection } from './detection.ts'
import type { Look } from './look.ts'

/** Answer to: does this look show land, or a cloud, snow or too little? */
export type Verdict = 'land' | 'not-land'

/** Typical blue and red of the land of a class, thousandths. Null while the class has too few looks. */
export interface TypicalBands {
  blue: number
  red: number
}

/**
 * Distinguishes looks at land from others, with whole numbers only, so that SQL decides in the same way. The producer's
 * mask decides if there is one. Without a mask a look is not land when it is bright in blue, and white: clouds and snow
 * raise blue nearly as much as red, bare soil raises red more.
 */
export function verdictOf(
  { cloudFraction, validFraction, blue, red }: Pick<Look, 'cloudFraction' | 'validFraction' | 'blue' | 'red'>,
  typical: TypicalBands | null,
  { maxCloudFraction, minValidFraction, blueFactor }: Detection,
): Verdict {
  if (cloudFraction !== null || validFraction !== null) {
    const isCloudy = cloudFraction !== null && cloudFraction > maxCloudFraction
    const isPartial = validFraction !== null && validFraction < minValidFraction
    return isCloudy || isPartial ? 'not-land' : 'land'
  }
  if (typical === null || blue === null || red === null) return 'land'
  const isBright = blue > blueFactor * typical.blue
  const isWhite = 5 * (blue - typical.blue) > 4 * (red - typical.red)
  return isBright && isWhite ? 'not-land' : 'land'
}
