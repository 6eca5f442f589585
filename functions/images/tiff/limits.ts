/** Limits on what a file may ask of us. A file beyond them is refused before it takes memory. */

export const MAX_PIXELS = 500_000_000
export const MAX_BLOCKS = 1_000_000
/** Images (resolutions, masks) in one file. */
export const MAX_IMAGES = 64
export const MAX_BANDS = 512
/** A decoded block: tile or strip. */
export const MAX_BLOCK_BYTES = 64 * 1024 * 1024
/** One value of a directory: the offsets of MAX_BLOCKS blocks in a BigTIFF take half of it. */
export const MAX_TAG_BYTES = 16 * 1024 * 1024
