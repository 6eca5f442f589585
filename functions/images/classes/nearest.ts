import type { GridProjection, Place } from '../sites/projection.ts'
import type { Window } from '../tiff/window.ts'

/** Pixels of another raster that contain the centres of the pixels of a window. */
export interface NearestPixels {
  columns: Int32Array
  rows: Int32Array
}

/** Side of the squares within which places are interpolated, in pixels. */
const STEP = 32
/** Precision of places that are not interpolated, in pixels. */
const ROUNDING = 1e-6

/**
 * Finds the exact pixel of the other raster for each pixel of a window. Places are interpolated between the exact
 * corners of small squares. A place so close to a pixel's border that the interpolation could be wrong is computed
 * exactly. The squares lie on the scene's grid, so the extent of the window changes nothing.
 */
export function nearestPixels(scene: GridProjection, other: GridProjection, window: Window): NearestPixels {
  const width = window.x1 - window.x0
  const count = width * (window.y1 - window.y0)
  const found = { columns: new Int32Array(count), rows: new Int32Array(count) }
  const exact = (x: number, y: number): Place => other.toPixel(scene.toLonLat([x, y]))
  for (let top = Math.floor(window.y0 / STEP) * STEP; top < window.y1; top += STEP) {
    for (let left = Math.floor(window.x0 / STEP) * STEP; left < window.x1; left += STEP) {
      fillSquare(found, exact, window, left, top)
    }
  }
  return found
}

function fillSquare(
  { columns, rows }: NearestPixels,
  exact: (x: number, y: number) => Place,
  window: Window,
  left: number,
  top: number,
): void {
  const [a, b, c, d] = [
    exact(left, top),
    exact(left + STEP, top),
    exact(left, top + STEP),
    exact(left + STEP, top + STEP),
  ]
  const between = (axis: 0 | 1, u: number, v: number) =>
    (a[axis] * (1 - u) + b[axis] * u) * (1 - v) + (c[axis] * (1 - u) + d[axis] * u) * v
  const middle = exact(left + STEP / 2, top + STEP / 2)
  const error = Math.max(Math.abs(between(0, 0.5, 0.5) - middle[0]), Math.abs(between(1, 0.5, 0.5) - middle[1]))
  // The error of an interpolation is largest in the middle. Twice that error is a safe limit.
  const margin = Number.isFinite(error) ? 2 * error + ROUNDING : 1
  const width = window.x1 - window.x0
  for (let y = Math.max(top, window.y0); y < Math.min(top + STEP, window.y1); y++) {
    for (let x = Math.max(left, window.x0); x < Math.min(left + STEP, window.x1); x++) {
      const u = (x + 0.5 - left) / STEP
      const v = (y + 0.5 - top) / STEP
      let column = between(0, u, v)
      let row = between(1, u, v)
      if (isNearBorder(column, margin) || isNearBorder(row, margin)) [column, row] = exact(x + 0.5, y + 0.5)
      const at = (y - window.y0) * width + x - window.x0
      columns[at] = Math.floor(column)
      rows[at] = Math.floor(row)
    }
  }
}

function isNearBorder(place: number, margin: number): boolean {
  return !(Math.abs(place - Math.round(place)) > margin)
}
