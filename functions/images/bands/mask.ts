/** States of a pixel from its value in a mask. */
export const CLEAR = 0
export const CLOUDY = 1
export const NO_DATA = 2
/** State of a pixel by the mask: clear, cloudy or without data. */
export type PixelState = typeof CLEAR | typeof CLOUDY | typeof NO_DATA

/** Kinds of masks: Sentinel-2's scene classification, Landsat's quality bits, and HLS's Fmask. */
export const MASK_KINDS = ['scl', 'qa_pixel', 'fmask'] as const
/** Kind of a mask. */
export type MaskKind = (typeof MASK_KINDS)[number]

/** SCL: no data, saturated. */
const SCL_NO_DATA = [0, 1]
/** SCL: cloud shadow, cloud of medium and of high probability, cirrus. */
const SCL_CLOUDY = [3, 8, 9, 10]
/** QA_PIXEL, bit 0: fill. */
const QA_FILL = 0b1
/** QA_PIXEL, bits 1 to 4: dilated cloud, cirrus, cloud, cloud shadow. */
const QA_CLOUDY = 0b11110
const FMASK_NO_DATA = 255
/** Fmask, bits 1 to 3: cloud, next to cloud or shadow, cloud shadow. */
const FMASK_CLOUDY = 0b1110

const RULES: Record<MaskKind, (value: number) => PixelState> = {
  scl: value => (SCL_NO_DATA.includes(value) ? NO_DATA : SCL_CLOUDY.includes(value) ? CLOUDY : CLEAR),
  qa_pixel: value => ((value & QA_FILL) !== 0 ? NO_DATA : (value & QA_CLOUDY) !== 0 ? CLOUDY : CLEAR),
  fmask: value => (value === FMASK_NO_DATA ? NO_DATA : (value & FMASK_CLOUDY) !== 0 ? CLOUDY : CLEAR),
}

/** Meaning of the values of each mask, in words for --explain. */
export const MASK_MEANINGS: Record<MaskKind, string> = {
  scl: 'SCL 0-1 no data; 3, 8, 9, 10 cloudy',
  qa_pixel: 'QA_PIXEL bit 0 no data; bits 1-4 cloudy',
  fmask: 'Fmask 255 no data; bits 1-3 cloudy',
}

/** Returns a table with the state of a pixel for each value of 16 bits. */
export function maskTable(kind: MaskKind): Uint8Array {
  return Uint8Array.from({ length: 65_536 }, (_, value) => RULES[kind](value))
}
