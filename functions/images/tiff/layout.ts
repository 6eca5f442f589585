import { type TiffImage, TiffTag } from '@cogeotiff/core'
import { ImageError } from '../errors.ts'
import { refuseUnreadable } from './compression.ts'
import { MAX_BANDS, MAX_BLOCK_BYTES, MAX_BLOCKS, MAX_PIXELS } from './limits.ts'

/** Layout of one image of a TIFF: its blocks (tiles or strips), and the form of their samples. */
export interface Layout {
  /** File name, for messages. */
  name: string
  image: TiffImage
  width: number
  height: number
  bands: number
  blockWidth: number
  blockHeight: number
  blocksAcross: number
  blocksDown: number
  isTiled: boolean
  /** True if each band has its own blocks; otherwise a block holds all bands, pixel by pixel. */
  isPlanar: boolean
  /** Samples of one pixel in one block: 1 where planar. */
  samplesPerPixel: number
  compression: number
  /** Codec inside LERC: 0 none, 1 deflate, 2 zstd. */
  lercCodec: number
  predictor: number
  bits: number
  format: SampleFormat
  isLittleEndian: boolean
}

/** Number format of samples. */
export type SampleFormat = 'unsigned' | 'signed' | 'float'
const FORMATS: Record<number, SampleFormat> = { 1: 'unsigned', 2: 'signed', 3: 'float' }

/** Tags that `describeLayout` reads. They must be loaded first. */
export const LAYOUT_TAGS = [
  TiffTag.SubFileType,
  TiffTag.BitsPerSample,
  TiffTag.SamplesPerPixel,
  TiffTag.SampleFormat,
  TiffTag.RowsPerStrip,
  TiffTag.PlanarConfiguration,
  TiffTag.Predictor,
  TiffTag.FillOrder,
  TiffTag.LercParameters,
] as const

/** Describes an image of a TIFF. @throws ImageError when it exceeds a limit, or has a form that is not read */
export function describeLayout(image: TiffImage, isLittleEndian: boolean, name: string): Layout {
  const refuse = (what: string): never => {
    throw new ImageError(`${name}: ${what}; write it again as a usual GeoTIFF, with gdal_translate for example`)
  }
  const { width, height } = image.size
  const bands = numberOf(image, TiffTag.SamplesPerPixel, 1)
  if (!(width > 0 && height > 0)) refuse(`has an image of ${width} x ${height} pixels`)
  if (width * height > MAX_PIXELS) refuse(`has ${width} x ${height} pixels, more than ${MAX_PIXELS}`)
  if (!(bands >= 1 && bands <= MAX_BANDS)) refuse(`has ${bands} bands, where 1 to ${MAX_BANDS} are possible`)
  const bits = uniform(image.value(TiffTag.BitsPerSample), 1) ?? refuse('has bands of different widths')
  const formatCode = uniform(image.value(TiffTag.SampleFormat), 1) ?? refuse('has bands of different types')
  const format = FORMATS[formatCode] ?? refuse(`has samples of format ${formatCode}, which is not read`)
  if (numberOf(image, TiffTag.FillOrder, 1) !== 1) refuse('has its bits in reverse order (FillOrder 2)')
  refuseUnreadableSamples(bits, format, refuse)
  const isTiled = image.isTiled()
  const [blockWidth, blockHeight] = isTiled
    ? [image.tileSize.width, image.tileSize.height]
    : [width, Math.min(numberOf(image, TiffTag.RowsPerStrip, height), height)]
  if (!(blockWidth > 0 && blockHeight > 0)) refuse(`has blocks of ${blockWidth} x ${blockHeight} pixels`)
  const isPlanar = numberOf(image, TiffTag.PlanarConfiguration, 1) === 2
  const compression = numberOf(image, TiffTag.Compression, 1)
  refuseUnreadable(name, compression)
  const layout: Layout = {
    name,
    image,
    width,
    height,
    bands,
    blockWidth,
    blockHeight,
    blocksAcross: Math.ceil(width / blockWidth),
    blocksDown: Math.ceil(height / blockHeight),
    isTiled,
    isPlanar,
    samplesPerPixel: isPlanar ? 1 : bands,
    compression,
    lercCodec: (image.value(TiffTag.LercParameters) as number[] | null)?.[1] ?? 0,
    predictor: numberOf(image, TiffTag.Predictor, 1),
    bits,
    format,
    isLittleEndian,
  }
  if (blockCount(layout) > MAX_BLOCKS) refuse(`has ${blockCount(layout)} blocks, more than ${MAX_BLOCKS}`)
  if (blockBytes(layout, blockHeight) > MAX_BLOCK_BYTES) {
    refuse(`has blocks of ${blockWidth} x ${blockHeight} pixels, more than ${MAX_BLOCK_BYTES} bytes each`)
  }
  return layout
}

function refuseUnreadableSamples(bits: number, format: SampleFormat, refuse: (what: string) => never): void {
  const isRead = format === 'float' ? [16, 32, 64].includes(bits) : (bits >= 1 && bits <= 16) || bits === 32
  if (!isRead) refuse(`has ${format} samples of ${bits} bits, which are not read`)
  if (format === 'signed' && ![8, 16, 32].includes(bits)) refuse(`has signed samples of ${bits} bits`)
}

/** Returns the bytes of a decoded block with the given number of rows. Each row begins at a byte. */
export function blockBytes({ blockWidth, samplesPerPixel, bits }: Layout, rows: number): number {
  return Math.ceil((blockWidth * samplesPerPixel * bits) / 8) * rows
}

/**
 * Returns the number of rows in a block of this row of blocks: the last strip may be shorter, tiles are always full.
 */
export function blockRows({ isTiled, blockHeight, height }: Layout, blockY: number): number {
  return isTiled ? blockHeight : Math.min(blockHeight, height - blockY * blockHeight)
}

/** Number of tiles or strips; planar files have them for each band. */
export function blockCount({ blocksAcross, blocksDown, isPlanar, bands }: Layout): number {
  return blocksAcross * blocksDown * (isPlanar ? bands : 1)
}

function numberOf(image: TiffImage, tag: Parameters<TiffImage['value']>[0], fallback: number): number {
  const value = image.value(tag) as number | number[] | null
  return (Array.isArray(value) ? value[0] : value) ?? fallback
}

/** Returns the value that all bands share; null if they differ. */
function uniform(values: readonly number[] | null, fallback: number): number | null {
  if (!values || values.length === 0) return fallback
  return values.every(value => value === values[0]) ? (values[0] as number) : null
}
