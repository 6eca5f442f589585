/** Limits of files. A file beyond them is refused before memory is allocated for it. */

export const MAX_PIXELS = 500_000_000
export const MAX_BLOCKS = 1_000_000
/** Maximum number of images (resolutions, masks) in one file. */
export const MAX_IMAGES = 64
export const MAX_BANDS = 512
/** Maximum size of a decoded block (tile or strip). */
export const MAX_BLOCK_BYTES = 64 * 1024 * 1024
/** Maximum size of one value of a directory. The offsets of MAX_BLOCKS blocks in a BigTIFF need half of it. */
export const MAX_TAG_BYTES = 16 * 1024 * 1024
