import { deflateSync, zstdCompressSync } from 'node:zlib'

/** Types of samples: unsigned, signed, floating point, with their bits. */
export type SampleType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64'
export type Codec = 'none' | 'deflate' | 'zstd' | 'lzw' | 'packbits'

/** Options for writing a test's raster. */
export interface TiffForm {
  type?: SampleType
  codec?: Codec
  predictor?: 1 | 2 | 3
  /** Rows of a strip; or the size of a tile, a multiple of 16. */
  blocks?: { strip: number } | { tile: number }
  isPlanar?: boolean
  isBigEndian?: boolean
  isBigTiff?: boolean
  /** Leaves out blocks that hold zeros only. */
  isSparse?: boolean
}

/** Content of a test's raster. */
export interface TestRaster {
  width: number
  height: number
  /** Samples of each band, row by row. */
  bands: readonly (readonly number[])[]
  /** Upper left corner and size of a pixel; UTM 29N where not given. */
  origin?: readonly [x: number, y: number]
  pixelSize?: number
  epsg?: number
  /** From pixel to coordinates, in place of origin and size: x = a*column + b*row + c, y = d*column + e*row + f. */
  matrix?: readonly [a: number, b: number, c: number, d: number, e: number, f: number]
  /** Coordinates are those of pixels' centres. */
  isPoint?: boolean
  /** Leaves out the georeference. */
  isUnplaced?: boolean
  nodata?: string
  scale?: number
  offset?: number
}

const CODES: Record<Codec, number> = { none: 1, lzw: 5, deflate: 8, packbits: 32773, zstd: 50000 }

const SHORT = 3
const LONG = 4
const DOUBLE = 12
const ASCII = 2
const LONG8 = 16

interface Tag {
  id: number
  type: number
  values: readonly number[]
}

/** Writes a raster as a GeoTIFF. Deliberately plain: it shares nothing with the code under test. */
export function writeTiff(raster: TestRaster, form: TiffForm = {}): Uint8Array {
  const { isBigEndian = false, isBigTiff = false } = form
  const blocks = blocksOf(raster, form)
  const out = new Bytes(isBigEndian)
  out.text(isBigEndian ? 'MM' : 'II')
  out.number(isBigTiff ? 43 : 42, 2)
  if (isBigTiff) {
    out.number(8, 2)
    out.number(0, 2)
  }
  const pointer = isBigTiff ? 8 : 4
  const directoryAt = out.length
  out.number(0, pointer)
  const offsets: number[] = []
  for (const block of blocks) {
    offsets.push(block === null ? 0 : out.length)
    if (block !== null) out.bytes(block)
  }
  while (out.length % 8 !== 0) out.number(0, 1)
  const tags = tagsOf(
    raster,
    form,
    offsets,
    blocks.map(block => block?.length ?? 0),
    pointer,
  )
  out.patch(directoryAt, out.length, pointer)
  out.number(tags.length, isBigTiff ? 8 : 2)
  const valuesAt = out.length + tags.length * (4 + 2 * pointer) + pointer
  const values = new Bytes(isBigEndian)
  for (const { id, type, values: each } of tags) {
    out.number(id, 2)
    out.number(type, 2)
    out.number(each.length, pointer)
    const encoded = new Bytes(isBigEndian)
    for (const value of each) encoded.value(value, type)
    if (encoded.length <= pointer) {
      out.bytes(encoded.whole())
      for (let pad = encoded.length; pad < pointer; pad++) out.number(0, 1)
    } else {
      out.number(valuesAt + values.length, pointer)
      values.bytes(encoded.whole())
    }
  }
  out.number(0, pointer)
  out.bytes(values.whole())
  return out.whole()
}

function tagsOf(raster: TestRaster, form: TiffForm, offsets: number[], counts: number[], pointer: number): Tag[] {
  const { width, height, bands, origin = [300_000, 2_700_000], pixelSize = 10, epsg = 32629, matrix } = raster
  const { type = 'u16', codec = 'none', predictor = 1, blocks = { strip: height }, isPlanar = false } = form
  const format = { u: 1, i: 2, f: 3 }[type[0] as 'u' | 'i' | 'f']
  const place = pointer === 8 ? LONG8 : LONG
  const text = (value: string) => [...value, '\0'].map(letter => letter.charCodeAt(0))
  const each = (value: number) => bands.map(() => value)
  const isTiled = 'tile' in blocks
  const tags: (Tag | false)[] = [
    { id: 256, type: LONG, values: [width] },
    { id: 257, type: LONG, values: [height] },
    { id: 258, type: SHORT, values: each(bitsOf(type)) },
    { id: 259, type: SHORT, values: [CODES[codec]] },
    { id: 262, type: SHORT, values: [1] },
    !isTiled && { id: 273, type: place, values: offsets },
    { id: 277, type: SHORT, values: [bands.length] },
    !isTiled && { id: 278, type: LONG, values: [(blocks as { strip: number }).strip] },
    !isTiled && { id: 279, type: place, values: counts },
    { id: 284, type: SHORT, values: [isPlanar ? 2 : 1] },
    { id: 317, type: SHORT, values: [predictor] },
    isTiled && { id: 322, type: SHORT, values: [blocks.tile] },
    isTiled && { id: 323, type: SHORT, values: [blocks.tile] },
    isTiled && { id: 324, type: place, values: offsets },
    isTiled && { id: 325, type: place, values: counts },
    { id: 339, type: SHORT, values: each(format) },
    !raster.isUnplaced && !matrix && { id: 33550, type: DOUBLE, values: [pixelSize, pixelSize, 0] },
    !raster.isUnplaced && !matrix && { id: 33922, type: DOUBLE, values: [0, 0, 0, origin[0], origin[1], 0] },
    matrix !== undefined && {
      id: 34264,
      type: DOUBLE,
      values: [matrix[0], matrix[1], 0, matrix[2], matrix[3], matrix[4], 0, matrix[5], 0, 0, 0, 0, 0, 0, 0, 1],
    },
    !raster.isUnplaced && {
      id: 34735,
      type: SHORT,
      values: [
        1,
        1,
        0,
        3,
        1024,
        0,
        1,
        epsg === 4326 ? 2 : 1,
        1025,
        0,
        1,
        raster.isPoint ? 2 : 1,
        epsg === 4326 ? 2048 : 3072,
        0,
        1,
        epsg,
      ],
    },
    raster.scale !== undefined && {
      id: 42112,
      type: ASCII,
      values: text(
        `<GDALMetadata>${bands
          .map(
            (_, band) =>
              `<Item name="OFFSET" sample="${band}" role="offset">${raster.offset ?? 0}</Item><Item name="SCALE" sample="${band}" role="scale">${raster.scale}</Item>`,
          )
          .join('')}</GDALMetadata>`,
      ),
    },
    raster.nodata !== undefined && { id: 42113, type: ASCII, values: text(raster.nodata) },
  ]
  return tags.filter(tag => tag !== false)
}

/** The blocks' bytes, encoded; null for one that is left out. */
function blocksOf(raster: TestRaster, form: TiffForm): (Uint8Array | null)[] {
  const { width, height, bands } = raster
  const { blocks = { strip: height }, isPlanar = false, isSparse = false } = form
  const [blockWidth, blockHeight] = 'tile' in blocks ? [blocks.tile, blocks.tile] : [width, blocks.strip]
  const groups = isPlanar ? bands.map(band => [band]) : [bands]
  const encoded: (Uint8Array | null)[] = []
  for (const group of groups) {
    for (let top = 0; top < height; top += blockHeight) {
      const rows = 'tile' in blocks ? blockHeight : Math.min(blockHeight, height - top)
      for (let left = 0; left < width; left += blockWidth) {
        const samples: number[] = []
        for (let y = top; y < top + rows; y++) {
          for (let x = left; x < left + blockWidth; x++) {
            // Beyond the edge a tile repeats its last pixel, as GDAL writes it.
            const at = Math.min(y, height - 1) * width + Math.min(x, width - 1)
            for (const band of group) samples.push(band[at] as number)
          }
        }
        const isEmpty = isSparse && samples.every(sample => sample === 0)
        encoded.push(isEmpty ? null : encode(samples, blockWidth * group.length, group.length, form))
      }
    }
  }
  return encoded
}

function encode(samples: readonly number[], rowSamples: number, step: number, form: TiffForm): Uint8Array {
  const { type = 'u16', codec = 'none', predictor = 1, isBigEndian = false } = form
  const out = new Bytes(predictor === 3 ? true : isBigEndian)
  const bytesEach = bitsOf(type) / 8
  for (const [at, sample] of samples.entries()) {
    const isDifference = predictor === 2 && at % rowSamples >= step
    if (isDifference) out.number(sample - (samples[at - step] as number), bytesEach)
    else out.sample(sample, type)
  }
  const plain = predictor === 3 ? asPlanes(out.whole(), rowSamples, bytesEach, step) : out.whole()
  if (codec === 'deflate') return deflateSync(plain)
  if (codec === 'zstd') return zstdCompressSync(plain)
  if (codec === 'lzw') return packLzw(plain)
  return codec === 'packbits' ? packBits(plain) : plain
}

/** Rows as planes of bytes, the most significant first, then as differences. */
function asPlanes(bytes: Uint8Array, rowSamples: number, size: number, step: number): Uint8Array {
  const rowBytes = rowSamples * size
  const out = new Uint8Array(bytes.length)
  for (let row = 0; row < bytes.length; row += rowBytes) {
    for (let sample = 0; sample < rowSamples; sample++) {
      for (let plane = 0; plane < size; plane++) {
        out[row + plane * rowSamples + sample] = bytes[row + sample * size + plane] as number
      }
    }
    for (let at = row + rowBytes - 1; at >= row + step; at--) out[at] = (out[at] as number) - (out[at - step] as number)
  }
  return out
}

function packBits(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  for (let at = 0; at < bytes.length; ) {
    let run = 1
    while (run < 128 && bytes[at + run] === bytes[at] && at + run < bytes.length) run++
    if (run > 1) out.push(257 - run, bytes[at] as number)
    else out.push(0, bytes[at] as number)
    at += run
  }
  return Uint8Array.from(out)
}

/** TIFF's LZW: the table is cleared before its codes are used up. */
function packLzw(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  let held = 0
  let heldBits = 0
  let width = 9
  let table = new Map<string, number>()
  const put = (code: number) => {
    held = (held << width) | code
    heldBits += width
    while (heldBits >= 8) {
      heldBits -= 8
      out.push((held >>> heldBits) & 255)
    }
    held &= (1 << heldBits) - 1
  }
  const codeOf = (text: string) => (text.length === 1 ? text.charCodeAt(0) : (table.get(text) as number))
  put(256)
  let text = ''
  for (const byte of bytes) {
    const longer = text + String.fromCharCode(byte)
    if (text === '' || table.has(longer)) {
      text = longer
      continue
    }
    put(codeOf(text))
    table.set(longer, 258 + table.size)
    const next = 258 + table.size
    if (next === 4094) {
      put(256)
      table = new Map()
      width = 9
    } else if (next === 1 << width) width++
    text = String.fromCharCode(byte)
  }
  if (text !== '') put(codeOf(text))
  put(257)
  if (heldBits > 0) out.push((held << (8 - heldBits)) & 255)
  return Uint8Array.from(out)
}

function bitsOf(type: SampleType): number {
  return Number(type.slice(1))
}

/** Bytes that grow, in one byte order. */
class Bytes {
  #bytes = Buffer.alloc(1024)
  length = 0
  readonly #isBigEndian: boolean
  constructor(isBigEndian: boolean) {
    this.#isBigEndian = isBigEndian
  }
  whole(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.length))
  }
  bytes(bytes: Uint8Array): void {
    this.#grow(bytes.length)
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
  }
  text(text: string): void {
    this.bytes(Buffer.from(text, 'latin1'))
  }
  /** A whole number, cut to its size. */
  number(value: number, size: number): void {
    this.#grow(size)
    let rest = value < 0 ? value + 2 ** (8 * size) : value
    for (let byte = 0; byte < size; byte++) {
      this.#bytes[this.length + (this.#isBigEndian ? size - 1 - byte : byte)] = rest % 256
      rest = Math.floor(rest / 256)
    }
    this.length += size
  }
  sample(value: number, type: SampleType): void {
    const size = bitsOf(type) / 8
    if (type[0] !== 'f') this.number(value, size)
    else this.#float(value, size)
  }
  value(value: number, type: number): void {
    if (type === DOUBLE) this.#float(value, 8)
    else this.number(value, { [SHORT]: 2, [LONG]: 4, [ASCII]: 1, [LONG8]: 8 }[type] as number)
  }
  patch(at: number, value: number, size: number): void {
    const end = this.length
    this.length = at
    this.number(value, size)
    this.length = end
  }
  #float(value: number, size: number): void {
    const bytes = Buffer.alloc(size)
    if (size === 4) bytes.writeFloatLE(value)
    else bytes.writeDoubleLE(value)
    this.bytes(this.#isBigEndian ? bytes.reverse() : bytes)
  }
  #grow(count: number): void {
    if (this.length + count <= this.#bytes.length) return
    const grown = Buffer.alloc(2 * (this.length + count))
    grown.set(this.#bytes.subarray(0, this.length))
    this.#bytes = grown
  }
}
