import type { Mapping } from './mapping.ts'
import { type ReadReport, SourceError } from './rows.ts'

/** Check of all values of a file's NDVI column: whether they are in the scale of NDVI. */
export interface NdviColumn {
  /**
   * @param factor by which the value is multiplied; undefined for none
   * @param offset that is added then; undefined for none
   */
  add(value: number, factor: number | undefined, offset: number | undefined): void
  /** @throws SourceError when the column as a whole is not NDVI from -1 to 1 */
  refuseOtherScale(): void
}

/** Values that mean "no data" in files, and say nothing about the scale. */
const FILLS: ReadonlySet<number> = new Set([
  -9999, -3000, -32768, -32767, -28672, 9999, 32767, 65535, -99999, -999, -99,
])

/** Factor of NDVI of Copernicus Global Land, in bytes of which those above 250 are codes. */
const CGLS = { factor: 0.004, offset: -0.08, largest: 250 }

/** Distance from 0 that at least one value of each NDVI column exceeds. */
const SMALLEST_SCALED = 0.011

/** Creates the reader of the column of NDVI, which applies scale, offset and no-data values. */
export function ndviColumn(file: string, { scale, offset: offsets, nodata }: Mapping, report: ReadReport): NdviColumn {
  if (scale?.ndvi === CGLS.factor && offsets?.ndvi === undefined) {
    report.note(
      `${file}: NDVI of Copernicus Global Land is 0.004 times the number, minus 0.08: if this is such a file, give --offset ndvi=${CGLS.offset} as well`,
    )
  }
  let count = 0
  let outside = 0
  let fills = 0
  let fill = 0
  let hasFraction = false
  let largest = 0
  let largestAsRead = 0
  let hasFractionAsRead = false
  return {
    add(value, factor, offset) {
      if (FILLS.has(value) || (factor === CGLS.factor && value > CGLS.largest && value < 256)) {
        fill = value
        fills += 1
        return
      }
      const ndvi = value * (factor ?? 1) + (offset ?? 0)
      count += 1
      hasFractionAsRead ||= !Number.isInteger(value)
      largestAsRead = Math.max(largestAsRead, Math.abs(value))
      hasFraction ||= !Number.isInteger(ndvi)
      if (Math.abs(ndvi) > 1) outside += 1
      largest = Math.max(largest, Math.abs(ndvi))
    },
    refuseOtherScale() {
      const isScaled = scale !== undefined
      if (isScaled && nodata === undefined && fills > 0) {
        throw new SourceError(
          `${file}: ${fills} values of NDVI are ${fill} or another number that often stands for no data: give --nodata ${fill}, or --nodata none if they are measured`,
        )
      }
      if (isScaled && hasFractionAsRead && largestAsRead <= 1 && largest < SMALLEST_SCALED) {
        throw new SourceError(
          `${file}: NDVI lies between -1 and 1 as it is, and would lie within ${largest} of 0 by --scale: leave it out for this file. Nothing was taken`,
        )
      }
      if (outside === 0 || (outside * 2 <= count && hasFraction)) return
      const bytes =
        !hasFractionAsRead && largest > 100 && largest <= 255
          ? `, or for bytes of Copernicus Global Land --scale ${CGLS.factor} --offset ${CGLS.offset}`
          : ''
      const factor = [0.01, 0.001, 0.0001].find(each => largest * each <= 1) ?? 0.0001
      throw new SourceError(
        `${file}: ${outside} of ${count} values of NDVI lie outside -1 to 1, up to ${largest}: the column is in another scale. Nothing was taken; if NDVI was multiplied by ${1 / factor}, give --scale ${factor}${bytes}`,
      )
    },
  }
}
