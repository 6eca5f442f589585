import { type Source, SubFileType, Tiff, type TiffImage, TiffTag } from '@cogeotiff/core'
import { asImageError, ImageError } from '../errors.ts'
import { type BlockIndex, locateBlocks } from './blocks.ts'
import { epsgOf, type Transform, transformOf } from './georeference.ts'
import { describeLayout, LAYOUT_TAGS, type Layout } from './layout.ts'
import { MAX_IMAGES, MAX_TAG_BYTES } from './limits.ts'
import type { ByteSource } from './source.ts'

/** Open raster file: the content of its tags, and the places of its pixels. */
export interface Raster {
  name: string
  source: ByteSource
  width: number
  height: number
  /** Number of bands. */
  bands: number
  /** Blocks of the image at full resolution. */
  blocks: BlockIndex
  /** Blocks of the mask inside the file; null without a mask. */
  maskBlocks: BlockIndex | null
  /** Map from pixel to coordinates; null if the file does not state it. */
  transform: Transform | null
  /** Code of the coordinate system; null if the file does not state it. */
  epsg: number | null
  /** Value of pixels without data; null if the file does not state it. */
  nodata: number | null
  /** Scale and offset of each band from the tags; null if the tags lack them. */
  tagScales: readonly (number | null)[]
  tagOffsets: readonly (number | null)[]
}

const RASTER_TAGS = [TiffTag.GdalNoData, TiffTag.GdalMetadata] as const
const REDUCED = SubFileType.ReducedImage
const MASK = 4

/** Opens a TIFF. Closes the source on failure. @throws ImageError that says why the file is not read */
export async function openRaster(source: ByteSource): Promise<Raster> {
  const { name } = source
  try {
    return await asImageError(name, 'it is not a TIFF, or damaged: check the file', async () => {
      const tiff = new Tiff(headerSource(source))
      // The library would follow a directory that points back to itself endlessly.
      tiff.images = new BoundedImages(name)
      await tiff.init()
      const first = tiff.images[0]
      if (!first) throw new ImageError(`${name}: has no image; check the file`)
      for (const tag of RASTER_TAGS) await first.fetch(tag)
      const layout = await layoutOf(first, tiff, name)
      const mask = await maskOf(tiff, layout)
      return {
        name,
        source,
        width: layout.width,
        height: layout.height,
        bands: layout.bands,
        blocks: await locateBlocks(layout, source.sizeBytes),
        maskBlocks: mask && (await locateBlocks(mask, source.sizeBytes)),
        transform: transformOf(first),
        epsg: epsgOf(first),
        nodata: nodataOf(first, layout),
        ...scalingOf(first, layout.bands),
      }
    })
  } catch (error) {
    await source.close()
    throw error
  }
}

/** Images of a file, up to a limit. */
class BoundedImages extends Array<TiffImage> {
  readonly #name: string
  constructor(name: string) {
    super()
    this.#name = name
  }
  /** Makes map() and similar methods return plain arrays. */
  static override get [Symbol.species]() {
    return Array
  }
  override push(...images: TiffImage[]): number {
    if (this.length >= MAX_IMAGES) {
      throw new ImageError(
        `${this.#name}: has more than ${MAX_IMAGES} images, or a directory that points back to itself; write it again`,
      )
    }
    return super.push(...images)
  }
}

/**
 * Adapts the source for the library, which reads the directories. Limits the size of a tag, and refuses reads past the
 * end.
 */
function headerSource(source: ByteSource): Source {
  return {
    url: new URL('file:///'),
    metadata: { size: source.sizeBytes },
    async fetch(offset, length = source.sizeBytes - offset) {
      if (length > MAX_TAG_BYTES) {
        throw new ImageError(
          `${source.name}: a tag of ${length} bytes is larger than ${MAX_TAG_BYTES}; the file is damaged`,
        )
      }
      return (await source.read(offset, length)).buffer
    },
  }
}

async function layoutOf(image: TiffImage, tiff: Tiff, name: string): Promise<Layout> {
  for (const tag of LAYOUT_TAGS) await image.fetch(tag)
  return describeLayout(image, tiff.isLittleEndian, name)
}

/** Finds the mask of the image at full resolution. */
async function maskOf(tiff: Tiff, { width, height, name }: Layout): Promise<Layout | null> {
  for (const image of tiff.images.slice(1)) {
    const kind = (await image.fetch(TiffTag.SubFileType)) ?? 0
    if ((kind & MASK) === 0 || (kind & REDUCED) !== 0) continue
    const layout = await layoutOf(image, tiff, name)
    if (layout.width === width && layout.height === height) return layout
  }
  return null
}

/** Values that GDAL writes in words. */
const NODATA_WORDS: Record<string, number> = { nan: Number.NaN, inf: Infinity, '+inf': Infinity, '-inf': -Infinity }

function nodataOf(image: TiffImage, { format, bits }: Layout): number | null {
  const text = textOf(image, TiffTag.GdalNoData)?.toLowerCase()
  if (text === undefined || text === '') return null
  const value = NODATA_WORDS[text] ?? Number(text)
  if (Number.isNaN(value) && text !== 'nan') return null
  // As the file's samples hold it: 0.1 is another number in 32 bits.
  return format === 'float' && bits === 32 ? Math.fround(value) : value
}

/** Reads scale and offset of each band from GDAL's metadata (XML in a tag). */
function scalingOf(image: TiffImage, bands: number) {
  const metadata = textOf(image, TiffTag.GdalMetadata) ?? ''
  const tagScales = new Array<number | null>(bands).fill(null)
  const tagOffsets = new Array<number | null>(bands).fill(null)
  for (const [, attributes = '', text = ''] of metadata.matchAll(/<Item\b([^>]*)>([^<]*)<\/Item>/g)) {
    const sample = /\bsample="(\d+)"/.exec(attributes)?.[1]
    const values = /\brole="scale"/.test(attributes)
      ? tagScales
      : /\brole="offset"/.test(attributes)
        ? tagOffsets
        : null
    const value = Number(text)
    if (sample !== undefined && values && Number(sample) < bands && Number.isFinite(value)) {
      values[Number(sample)] = value
    }
  }
  return { tagScales, tagOffsets }
}

function textOf(image: TiffImage, tag: (typeof RASTER_TAGS)[number]): string | null {
  const value = image.value(tag)
  return typeof value === 'string' ? value.replace(/\0.*$/s, '').trim() : null
}
