type Position = readonly [x: number, y: number]

/** Signed area of a ring, and its first moments: the centre of mass is `x / area` and `y / area`. */
export interface RingMoments {
  area: number
  x: number
  y: number
}

/**
 * Computes signed area and first moments of a ring, relative to its first point, so that large coordinates do not
 * cancel. The ring may repeat its first point at its end.
 */
export function momentsOf(ring: readonly Position[]): RingMoments {
  const [originX, originY] = ring[0] ?? [0, 0]
  let doubled = 0
  let sixfoldX = 0
  let sixfoldY = 0
  for (let at = 0, before = ring.length - 1; at < ring.length; before = at++) {
    const [ax, ay] = relative(ring[before] as Position, originX, originY)
    const [bx, by] = relative(ring[at] as Position, originX, originY)
    const cross = ax * by - bx * ay
    doubled += cross
    sixfoldX += (ax + bx) * cross
    sixfoldY += (ay + by) * cross
  }
  const area = doubled / 2
  return { area, x: sixfoldX / 6 + originX * area, y: sixfoldY / 6 + originY * area }
}

function relative([x, y]: Position, originX: number, originY: number): Position {
  return [x - originX, y - originY]
}
