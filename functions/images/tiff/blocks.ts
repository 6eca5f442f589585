import { TiffTag } from '@cogeotiff/core'
import { ImageError } from '../errors.ts'
import { decompress, LERC } from './compression.ts'
import { blockBytes, blockCount, blockRows, type Layout } from './layout.ts'
import { decodeLerc, loadLerc } from './lerc.ts'
import { undoPredictor } from './predictor.ts'
import { isPacked, type Samples, unpackSamples, viewSamples } from './samples.ts'
import { type ByteSource, refuseBeyondEnd } from './source.ts'

/** Block of an image. `band` is 0 if a block holds all bands. */
export interface Block {
  x: number
  y: number
  band: number
}

/** Places of the blocks of an image in its file. */
export interface BlockIndex {
  layout: Layout
  offsets: ArrayLike<number>
  byteCounts: ArrayLike<number>
}

/** Reads where the blocks are. @throws ImageError when the file does not say it for all of them, or ends before one */
export async function locateBlocks(layout: Layout, sizeBytes: number): Promise<BlockIndex> {
  const { image, isTiled, name } = layout
  if (layout.compression === LERC) await loadLerc()
  const offsets = await image.fetch(isTiled ? TiffTag.TileOffsets : TiffTag.StripOffsets)
  const byteCounts = await image.fetch(isTiled ? TiffTag.TileByteCounts : TiffTag.StripByteCounts)
  const count = blockCount(layout)
  if (!offsets || !byteCounts || offsets.length < count || byteCounts.length < count) {
    throw new ImageError(`${name}: does not say where each of its ${count} blocks is; it is damaged: copy it again`)
  }
  for (let at = 0; at < count; at++) refuseDamaged(layout, sizeBytes, at, Number(offsets[at]), Number(byteCounts[at]))
  return { layout, offsets, byteCounts }
}

/** A download that broke off has all its tags, but not all its blocks. It is refused whichever blocks are wanted. */
function refuseDamaged(layout: Layout, sizeBytes: number, at: number, offset: number, length: number): void {
  // Without an offset the block is left out of the file.
  if (offset === 0 || length === 0) return
  // Data that cannot be compressed may grow a little.
  if (length > 2 * blockBytes(layout, layout.blockHeight) + 4096) {
    const place = at % (layout.blocksAcross * layout.blocksDown)
    const [x, y] = [place % layout.blocksAcross, Math.floor(place / layout.blocksAcross)]
    throw new ImageError(
      `${layout.name}: block ${x}, ${y} has ${length} bytes, more than it can hold; it is damaged: copy it again`,
    )
  }
  refuseBeyondEnd(layout.name, sizeBytes, offset, length)
}

/** Maximum gap between blocks that are read together, in bytes. GDAL's COG driver writes 8 bytes between tiles. */
const MAX_GAP_BYTES = 16
const MAX_READ_BYTES = 8 * 1024 * 1024
/** Number of concurrent reads. */
const PARALLEL_READS = 8

/**
 * Reads and decodes blocks, adjacent ones with one read. Samples are null if the file has no bytes for a block: its
 * pixels have no data.
 */
export async function readBlocks(
  index: BlockIndex,
  source: ByteSource,
  blocks: readonly Block[],
  take: (block: Block, samples: Samples | null) => void,
): Promise<void> {
  const placed = blocks.map(block => ({ block, ...placeOf(index, block) }))
  for (const { block, length } of placed) if (length === 0) take(block, null)
  const runs = runsOf(placed.filter(({ length }) => length > 0))
  let next = 0
  const work = async () => {
    for (let run = runs[next++]; run; run = runs[next++]) {
      const bytes = await source.read(run.start, run.end - run.start)
      for (const { block, offset, length } of run.members) {
        const from = offset - run.start
        take(block, decodeBlock(index.layout, block, bytes.subarray(from, from + length)))
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, runs.length) }, work))
}

interface PlacedBlock {
  block: Block
  offset: number
  length: number
}

function placeOf({ layout, offsets, byteCounts }: BlockIndex, { x, y, band }: Block) {
  const at = band * layout.blocksAcross * layout.blocksDown + y * layout.blocksAcross + x
  const offset = Number(offsets[at])
  return { offset, length: offset === 0 ? 0 : Number(byteCounts[at]) }
}

function runsOf(placed: PlacedBlock[]): { start: number; end: number; members: PlacedBlock[] }[] {
  const runs: { start: number; end: number; members: PlacedBlock[] }[] = []
  for (const member of placed.sort((one, other) => one.offset - other.offset)) {
    const run = runs.at(-1)
    const end = member.offset + member.length
    const gap = run ? member.offset - run.end : 0
    if (run && gap >= 0 && gap <= MAX_GAP_BYTES && end - run.start <= MAX_READ_BYTES) {
      run.members.push(member)
      run.end = end
    } else {
      runs.push({ start: member.offset, end, members: [member] })
    }
  }
  return runs
}

/** Decodes the samples of a block, row by row: of one band if planar, otherwise of all bands pixel by pixel. */
function decodeBlock(layout: Layout, block: Block, bytes: Uint8Array): Samples {
  const rows = blockRows(layout, block.y)
  const wanted = blockBytes(layout, rows)
  // The last strip may be written with the rows of a whole one.
  const possible = blockBytes(layout, layout.blockHeight)
  try {
    if (layout.compression === LERC) return decodeLerc(layout, bytes, rows, possible)
    const plain = decompress(layout.compression, bytes, possible)
    if (plain.byteLength < wanted) throw new Error(`it decodes to ${plain.byteLength} of ${wanted} bytes`)
    const whole = aligned(plain.subarray(0, wanted), plain === bytes)
    if (isPacked(layout)) return unpackSamples(layout, whole, rows)
    return viewSamples(layout, undoPredictor(layout, whole, rows))
  } catch (error) {
    throw new ImageError(
      `${layout.name}: block ${block.x}, ${block.y} cannot be decoded (${(error as Error).message}); the file is damaged: copy it again`,
      { cause: error },
    )
  }
}

/** Returns bytes that typed arrays can view, and that may be changed. */
function aligned(bytes: Uint8Array, isShared: boolean): Uint8Array {
  return isShared || bytes.byteOffset % 8 !== 0 ? new Uint8Array(bytes) : bytes
}
