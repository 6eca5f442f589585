import { deflateSync } from 'node:zlib'

/** A raster of one band, and where it lies: UTM, north up. */
export interface PlainRaster {
  width: number
  height: number
  samples: Uint8Array | Uint16Array
  /** Upper left corner and size of a pixel, in metres. */
  origin: readonly [east: number, north: number]
  pixelMetres: number
  epsg: number
  nodata: number
}

/** TIFF 6.0, section 2: types of values, and their bytes. */
const SHORT = 3
const LONG = 4
const ASCII = 2
const DOUBLE = 12
const SIZES: Record<number, number> = { [ASCII]: 1, [SHORT]: 2, [LONG]: 4, [DOUBLE]: 8 }

const TILE = 64
const HEADER_BYTES = 8
const ENTRY_BYTES = 12

type Tag = readonly [id: number, type: number, values: readonly number[]]

/** Writes a Cloud-Optimized GeoTIFF: the directory first, then tiles in deflate. Up to 512 pixels it needs no overviews. */
export function writeGeoTiff(raster: PlainRaster): Uint8Array {
  const tiles = tilesOf(raster)
  // The size of the directory does not depend on the offsets in it.
  const start = directoryOf(raster, tiles, 0).length
  return Buffer.concat([directoryOf(raster, tiles, start), ...tiles])
}

function tilesOf({ width, height, samples }: PlainRaster): Buffer[] {
  const tiles: Buffer[] = []
  for (let top = 0; top < height; top += TILE) {
    for (let left = 0; left < width; left += TILE) {
      const tile = samples.slice(0, TILE * TILE).fill(0)
      for (let y = top; y < Math.min(height, top + TILE); y++) {
        const row = samples.subarray(y * width + left, y * width + Math.min(width, left + TILE))
        tile.set(row, (y - top) * TILE)
      }
      tiles.push(deflateSync(littleEndian(tile)))
    }
  }
  return tiles
}

function littleEndian(samples: PlainRaster['samples']): Buffer {
  if (samples.BYTES_PER_ELEMENT === 1) return Buffer.from(samples)
  const bytes = Buffer.alloc(samples.length * 2)
  for (const [at, sample] of samples.entries()) bytes.writeUInt16LE(sample, at * 2)
  return bytes
}

/** @param start where the first tile begins */
function directoryOf(raster: PlainRaster, tiles: readonly Buffer[], start: number): Buffer {
  const tags = tagsOf(raster, tiles, start)
  const entries = Buffer.alloc(HEADER_BYTES + 2 + tags.length * ENTRY_BYTES + 4)
  entries.write('II', 0, 'latin1')
  entries.writeUInt16LE(42, 2)
  entries.writeUInt32LE(HEADER_BYTES, 4)
  entries.writeUInt16LE(tags.length, HEADER_BYTES)
  const values: Buffer[] = []
  let valuesAt = entries.length
  for (const [index, [id, type, numbers]] of tags.entries()) {
    const at = HEADER_BYTES + 2 + index * ENTRY_BYTES
    entries.writeUInt16LE(id, at)
    entries.writeUInt16LE(type, at + 2)
    entries.writeUInt32LE(numbers.length, at + 4)
    const encoded = encode(type, numbers)
    if (encoded.length <= 4) {
      encoded.copy(entries, at + 8)
    } else {
      entries.writeUInt32LE(valuesAt, at + 8)
      values.push(encoded)
      valuesAt += encoded.length
    }
  }
  return Buffer.concat([entries, ...values])
}

function tagsOf(raster: PlainRaster, tiles: readonly Buffer[], start: number): Tag[] {
  const { width, height, samples, origin, pixelMetres, epsg, nodata } = raster
  const offsets: number[] = []
  for (const [index] of tiles.entries()) {
    offsets.push(index === 0 ? start : (offsets[index - 1] as number) + (tiles[index - 1] as Buffer).length)
  }
  return [
    [256, SHORT, [width]],
    [257, SHORT, [height]],
    [258, SHORT, [samples.BYTES_PER_ELEMENT * 8]],
    // Deflate; black is zero; one band.
    [259, SHORT, [8]],
    [262, SHORT, [1]],
    [277, SHORT, [1]],
    [322, SHORT, [TILE]],
    [323, SHORT, [TILE]],
    [324, LONG, offsets],
    [325, LONG, tiles.map(tile => tile.length)],
    [33550, DOUBLE, [pixelMetres, pixelMetres, 0]],
    [33922, DOUBLE, [0, 0, 0, origin[0], origin[1], 0]],
    // GeoTIFF keys: projected, pixel is area, and the code of the coordinate system.
    [34735, SHORT, [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, epsg]],
    [42113, ASCII, [...`${nodata}\0`].map(letter => letter.charCodeAt(0))],
  ]
}

function encode(type: number, numbers: readonly number[]): Buffer {
  const size = SIZES[type] as number
  // Values begin at an even byte.
  const bytes = Buffer.alloc(Math.ceil((size * numbers.length) / 2) * 2)
  for (const [at, number] of numbers.entries()) {
    if (type === DOUBLE) bytes.writeDoubleLE(number, at * size)
    else bytes.writeUIntLE(number, at * size, size)
  }
  return bytes
}
