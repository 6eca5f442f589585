/** Texture measures of an image (Haralick 1973), as means of four directions at a distance of one pixel. */
export interface Texture {
  contrast: number
  dissimilarity: number
  homogeneity: number
  energy: number
  correlation: number
  entropy: number
}

export const TEXTURES = ['contrast', 'dissimilarity', 'homogeneity', 'energy', 'correlation', 'entropy'] as const

/** Number of grey levels into which NDVI is divided. */
export const LEVELS = 64
/** Level of a pixel that does not count. */
export const NO_LEVEL = 255

/** Directions: right, right and up, up, left and up. Each pair is counted in both orders. */
const DIRECTIONS = [
  [1, 0],
  [1, -1],
  [0, -1],
  [-1, -1],
] as const

/** Returns the grey level of an NDVI from -1 to 1. */
export function levelOf(ndvi: number): number {
  return Math.max(0, Math.min(LEVELS - 1, Math.floor((ndvi + 1) * (LEVELS / 2))))
}

/**
 * Computes the texture of an image of grey levels from its co-occurrence matrices. Pairs with a pixel that does not
 * count are left out. Returns null if no two neighbours count.
 */
export function textureOf(levels: Uint8Array, width: number, height: number): Texture | null {
  const sum: Texture = { contrast: 0, dissimilarity: 0, homogeneity: 0, energy: 0, correlation: 0, entropy: 0 }
  const pairs = new Uint32Array(LEVELS * LEVELS)
  let directions = 0
  for (const [dx, dy] of DIRECTIONS) {
    pairs.fill(0)
    const count = countPairs(pairs, levels, width, height, dx, dy)
    if (count === 0) continue
    directions++
    addMeasures(sum, pairs, 2 * count)
  }
  if (directions === 0) return null
  for (const name of TEXTURES) sum[name] /= directions
  return sum
}

function countPairs(pairs: Uint32Array, levels: Uint8Array, width: number, height: number, dx: number, dy: number) {
  const step = dy * width + dx
  const from = Math.max(0, -dx)
  const to = width - Math.max(0, dx)
  let count = 0
  for (let y = -dy; y < height; y++) {
    const end = y * width + to
    for (let at = y * width + from; at < end; at++) {
      const one = levels[at] as number
      const other = levels[at + step] as number
      if (one === NO_LEVEL || other === NO_LEVEL) continue
      const cell = one * LEVELS + other
      pairs[cell] = (pairs[cell] as number) + 1
      count++
    }
  }
  return count
}

/** Adds the measures of one direction. @param total number of its pairs, counted in both orders */
function addMeasures(sum: Texture, pairs: Uint32Array, total: number): void {
  let squares = 0
  let mean = 0
  let meanSquare = 0
  let product = 0
  for (let i = 0; i < LEVELS; i++) {
    for (let j = i; j < LEVELS; j++) {
      const both = (pairs[i * LEVELS + j] as number) + (pairs[j * LEVELS + i] as number)
      if (both === 0) continue
      const share = both / total
      // Cells (i, j) and (j, i) have the same value; on the diagonal they are one cell.
      const cells = i === j ? 1 : 2
      const distance = j - i
      sum.contrast += cells * share * distance * distance
      sum.dissimilarity += cells * share * distance
      sum.homogeneity += (cells * share) / (1 + distance * distance)
      sum.entropy -= cells * share * Math.log(share)
      squares += cells * share * share
      mean += share * (i === j ? i : i + j)
      meanSquare += share * (i === j ? i * i : i * i + j * j)
      product += cells * share * i * j
    }
  }
  const variance = meanSquare - mean * mean
  sum.energy += Math.sqrt(squares)
  // In an image of one level all neighbours are equal, so the correlation is 1.
  sum.correlation += variance < 1e-15 ? 1 : (product - mean * mean) / variance
}
