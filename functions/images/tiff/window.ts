import { ImageError } from '../errors.ts'
import { type Block, type BlockIndex, readBlocks } from './blocks.ts'
import { emptySamples, type Samples } from './samples.ts'
import type { ByteSource } from './source.ts'

/** Columns x0 to x1 and rows y0 to y1 of an image; the ends are exclusive. */
export interface Window {
  x0: number
  y0: number
  x1: number
  y1: number
}

/** A range of columns; the end is exclusive. */
export type Columns = readonly [from: number, to: number]

/**
 * Reads windows of an image, band by band.
 *
 * @param bands counted from 0
 * @param columns needed columns; blocks outside are not read, and their pixels are zero
 */
export type WindowReader = (
  bands: readonly number[],
  window: Window,
  columns?: readonly Columns[],
) => Promise<Samples[]>

/**
 * Opens a reader. It keeps the decoded blocks that reach below the previous window, because the next one often begins
 * inside them.
 *
 * @param fill value of pixels whose block is missing in the file
 */
export function openWindowReader(index: BlockIndex, source: ByteSource, fill: number): WindowReader {
  let kept = new Map<string, Samples | null>()
  return async (bands, window, columns = [[window.x0, window.x1]]) => {
    const { layout } = index
    for (const band of bands) {
      if (!(band >= 0 && band < layout.bands)) {
        throw new ImageError(`${layout.name}: has no band ${band + 1}, it has ${layout.bands}; correct the number`)
      }
    }
    const wanted = blocksOf(index, bands, window, columns)
    const held = new Map<string, Samples | null>()
    const missing: Block[] = []
    for (const block of wanted) {
      const key = keyOf(block)
      const samples = kept.get(key)
      if (samples === undefined) missing.push(block)
      else held.set(key, samples)
    }
    await readBlocks(index, source, missing, (block, samples) => held.set(keyOf(block), samples))
    const samples = bands.map(band => assemble(index, band, window, wanted, held, fill))
    // Windows go down the image: blocks that end with this one are not needed again.
    kept = new Map()
    for (const block of wanted) {
      const key = keyOf(block)
      if ((block.y + 1) * layout.blockHeight > window.y1) kept.set(key, held.get(key) ?? null)
    }
    return samples
  }
}

function keyOf({ x, y, band }: Block): string {
  return `${x} ${y} ${band}`
}

function blocksOf({ layout }: BlockIndex, bands: readonly number[], window: Window, columns: readonly Columns[]) {
  const { blockWidth, blockHeight, isPlanar } = layout
  const xs = new Set<number>()
  for (const [from, to] of columns) {
    for (let x = Math.floor(from / blockWidth); x * blockWidth < to; x++) xs.add(x)
  }
  const blocks: Block[] = []
  for (const band of isPlanar ? new Set(bands) : [0]) {
    for (let y = Math.floor(window.y0 / blockHeight); y * blockHeight < window.y1; y++) {
      for (const x of xs) blocks.push({ x, y, band })
    }
  }
  return blocks
}

/** Assembles one band of a window from its blocks. */
function assemble(
  { layout }: BlockIndex,
  band: number,
  window: Window,
  blocks: readonly Block[],
  held: ReadonlyMap<string, Samples | null>,
  fill: number,
): Samples {
  const { blockWidth, blockHeight, isPlanar, samplesPerPixel } = layout
  const width = window.x1 - window.x0
  const output = emptySamples(layout, width * (window.y1 - window.y0))
  for (const block of blocks) {
    if (isPlanar && block.band !== band) continue
    const samples = held.get(keyOf(block)) as Samples | null
    const left = block.x * blockWidth
    const top = block.y * blockHeight
    const x0 = Math.max(window.x0, left)
    const x1 = Math.min(window.x1, left + blockWidth)
    const y1 = Math.min(window.y1, top + blockHeight)
    for (let y = Math.max(window.y0, top); y < y1; y++) {
      const to = (y - window.y0) * width + x0 - window.x0
      const from = (y - top) * blockWidth + x0 - left
      if (!samples) output.fill(fill, to, to + x1 - x0)
      else if (samplesPerPixel === 1) output.set(samples.subarray(from, from + x1 - x0), to)
      else copyBand(output, to, samples, from * samplesPerPixel + band, samplesPerPixel, x1 - x0)
    }
  }
  return output
}

function copyBand(output: Samples, to: number, samples: Samples, from: number, step: number, count: number): void {
  for (let at = 0; at < count; at++) output[to + at] = samples[from + at * step] as number
}
