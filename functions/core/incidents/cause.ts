import { medianOf } from './median.ts'

/** Change of a site's band means from what they are at this time of the year, thousandths. Blue: null if not measured. */
export interface BandChange {
  blue: number | null
  red: number
  nir: number
}

/** Cause of a change: what is on the ground, or how images are made there (a sensor, its processing, its mask). */
export type Cause = 'land' | 'producer'

/**
 * Finds the cause from the change of the bands. A constant that is added to all bands moves red and near infrared by
 * the same amount: here the smaller change is at least two thirds of the larger. When plants are lost, red rises and
 * near infrared falls; by a flood or a fire it falls far more than red. Bright bare soil can raise both, but blue by
 * about half as much as red: a shift raises blue by at least four fifths. Without bands of most sites it is the land.
 *
 * @param changes one for each site
 */
export function causeOf(changes: readonly (BandChange | null)[]): Cause {
  const known = changes.filter(change => change !== null)
  if (2 * known.length <= changes.length) return 'land'
  const red = medianOf(known.map(change => change.red))
  const nir = medianOf(known.map(change => change.nir))
  const sign = Math.sign(red)
  if (sign === 0 || Math.sign(nir) !== sign) return 'land'
  const [smaller, larger] = [Math.min(sign * red, sign * nir), Math.max(sign * red, sign * nir)]
  if (3 * smaller < 2 * larger) return 'land'
  const blues = known.flatMap(({ blue }) => blue ?? [])
  return blues.length === 0 || 5 * sign * medianOf(blues) >= 4 * sign * red ? 'producer' : 'land'
}

/** Median of the changes of a site's looks. Null when none is known. */
export function medianChange(changes: readonly (BandChange | null)[]): BandChange | null {
  const known = changes.filter(change => change !== null)
  if (known.length === 0) return null
  const blues = known.flatMap(({ blue }) => blue ?? [])
  return {
    blue: blues.length === 0 ? null : medianOf(blues),
    red: medianOf(known.map(({ red }) => red)),
    nir: medianOf(known.map(({ nir }) => nir)),
  }
}
