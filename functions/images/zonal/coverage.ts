import type { Window } from '../tiff/window.ts'

/**
 * Writes the share of each pixel of a window that a site covers, 0 to 1, row by row from its upper left corner.
 *
 * The shares of a row depend only on that row and on the columns of the window. So any division of the work into
 * windows of whole rows gives the same bits.
 */
export type FillShares = (edges: Float64Array, window: Window, shares: Float64Array) => void

/** Distance from 0 or 1 below which a share differs only because of rounding. */
const ROUNDING = 1e-9

/**
 * Computes the exact share with signed areas: each edge adds the area to its right to the pixels of each row that it
 * passes. The sum from left to right is the share. Font renderers use this method (font-rs, stb_truetype).
 */
export const coverageShares: FillShares = (edges, window, shares) => {
  const width = window.x1 - window.x0
  const height = window.y1 - window.y0
  const stride = width + 1
  const areas = new Float64Array(stride * height)
  for (let at = 0; at < edges.length; at += 4) {
    addEdge(
      areas,
      window,
      edges[at] as number,
      edges[at + 1] as number,
      edges[at + 2] as number,
      edges[at + 3] as number,
    )
  }
  for (let row = 0; row < height; row++) {
    let sum = 0
    for (let column = 0; column < width; column++) {
      sum += areas[row * stride + column] as number
      const share = Math.abs(sum)
      shares[row * width + column] = share < ROUNDING ? 0 : share > 1 - ROUNDING ? 1 : share
    }
  }
}

function addEdge(areas: Float64Array, window: Window, ax: number, ay: number, bx: number, by: number): void {
  if (ay === by) return
  const isDown = ay < by
  const [topX, topY, bottomX, bottomY] = isDown ? [ax, ay, bx, by] : [bx, by, ax, ay]
  const slope = (bottomX - topX) / (bottomY - topY)
  const width = window.x1 - window.x0
  const endRow = Math.min(window.y1, Math.ceil(bottomY))
  for (let y = Math.max(window.y0, Math.floor(topY)); y < endRow; y++) {
    const from = Math.max(y, topY)
    const to = Math.min(y + 1, bottomY)
    if (to <= from) continue
    // Computed from the start of the edge, not from the row before: so rows do not depend on where the window begins.
    const fromX = topX + (from - topY) * slope - window.x0
    const toX = topX + (to - topY) * slope - window.x0
    const drop = isDown ? to - from : from - to
    addPiece(areas, (y - window.y0) * (width + 1), width, drop, Math.min(fromX, toX), Math.max(fromX, toX))
  }
}

/**
 * Adds a piece of an edge within one row.
 *
 * @param base index of the row's first cell
 * @param drop height of the piece in pixels, positive downwards, negative upwards
 * @param left its smallest x, from the window's left side
 * @param right its largest x
 */
function addPiece(areas: Float64Array, base: number, width: number, drop: number, left: number, right: number): void {
  if (right <= 0) {
    add(areas, base, drop)
    return
  }
  if (left >= width) return
  // A part to the left of the window covers its rows from the first cell on. A part to the right covers nothing.
  let inside = drop
  const span = right - left
  if (left < 0) {
    const outside = (drop * -left) / span
    add(areas, base, outside)
    inside -= outside
  }
  if (right > width) inside -= (drop * (right - width)) / span
  addInside(areas, base, inside, Math.max(0, left), Math.min(width, right))
}

function addInside(areas: Float64Array, base: number, drop: number, left: number, right: number): void {
  const first = Math.floor(left)
  const last = Math.ceil(right) - 1
  if (last <= first) {
    const middle = (left + right) / 2 - first
    add(areas, base + first, drop * (1 - middle))
    add(areas, base + first + 1, drop * middle)
    return
  }
  const dropPerPixel = drop / (right - left)
  let before = 0
  for (let cell = first; cell <= last; cell++) {
    const from = Math.max(left, cell)
    const to = Math.min(right, cell + 1)
    // Area to the right of the piece: all of the rows that it passed before this cell, and part of the rows in it.
    const area = (from - left) * dropPerPixel + (to - from) * dropPerPixel * (1 - ((from + to) / 2 - cell))
    add(areas, base + cell, area - before)
    before = area
  }
  add(areas, base + last + 1, drop - before)
}

function add(areas: Float64Array, at: number, value: number): void {
  areas[at] = (areas[at] as number) + value
}

/** Writes 1 for pixels whose centre lies inside the site, else 0: the rule of GDAL and rasterstats. */
export const centreShares: FillShares = (edges, window, shares) => {
  const width = window.x1 - window.x0
  shares.fill(0, 0, width * (window.y1 - window.y0))
  for (let y = window.y0; y < window.y1; y++) {
    const crossings = crossingsAt(edges, y + 0.5).sort((one, other) => one - other)
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const from = Math.max(window.x0, Math.ceil((crossings[pair] as number) - 0.5))
      const to = Math.min(window.x1, Math.ceil((crossings[pair + 1] as number) - 0.5))
      const row = (y - window.y0) * width - window.x0
      if (to > from) shares.fill(1, row + from, row + to)
    }
  }
}

function crossingsAt(edges: Float64Array, y: number): number[] {
  const crossings: number[] = []
  for (let at = 0; at < edges.length; at += 4) {
    const ax = edges[at] as number
    const ay = edges[at + 1] as number
    const by = edges[at + 3] as number
    if (ay <= y !== by <= y) crossings.push(ax + ((y - ay) * ((edges[at + 2] as number) - ax)) / (by - ay))
  }
  return crossings
}
