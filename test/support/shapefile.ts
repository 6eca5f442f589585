import { writeFileSync } from 'node:fs'

const WGS_84 =
  'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'

/** Rings of a polygon, closed; outer rings run clockwise, holes the other way. */
type Rings = readonly (readonly (readonly [number, number])[])[]

/** Writes polygons with text attributes as NAME.shp, .dbf and .prj (ESRI's description of 1998; dBASE III). */
export function writeShapefile(
  path: string,
  records: readonly { rings: Rings; attributes: Record<string, string> }[],
  prj: string = WGS_84,
): void {
  const shapes = records.map(({ rings }, index) => shapeRecord(rings, index + 1))
  const header = Buffer.alloc(100)
  header.writeInt32BE(9994, 0)
  header.writeInt32BE((100 + shapes.reduce((sum, shape) => sum + shape.length, 0)) / 2, 24)
  header.writeInt32LE(1000, 28)
  header.writeInt32LE(POLYGON, 32)
  writeFileSync(`${path}.shp`, Buffer.concat([header, ...shapes]))
  writeFileSync(`${path}.dbf`, table(records.map(({ attributes }) => attributes)))
  writeFileSync(`${path}.prj`, prj)
}

const POLYGON = 5

function shapeRecord(rings: Rings, number: number): Buffer {
  const points = rings.flat()
  const content = Buffer.alloc(44 + 4 * rings.length + 16 * points.length)
  content.writeInt32LE(POLYGON, 0)
  content.writeInt32LE(rings.length, 36)
  content.writeInt32LE(points.length, 40)
  let start = 0
  for (const [index, ring] of rings.entries()) {
    content.writeInt32LE(start, 44 + 4 * index)
    start += ring.length
  }
  for (const [index, [x, y]] of points.entries()) {
    content.writeDoubleLE(x, 44 + 4 * rings.length + 16 * index)
    content.writeDoubleLE(y, 52 + 4 * rings.length + 16 * index)
  }
  const header = Buffer.alloc(8)
  header.writeInt32BE(number, 0)
  header.writeInt32BE(content.length / 2, 4)
  return Buffer.concat([header, content])
}

const FIELD_WIDTH = 40

function table(rows: readonly Record<string, string>[]): Buffer {
  const names = Object.keys(rows[0] ?? {})
  const headerBytes = 32 + 32 * names.length + 1
  const header = Buffer.alloc(headerBytes)
  header.writeUInt8(3, 0)
  header.writeUInt32LE(rows.length, 4)
  header.writeUInt16LE(headerBytes, 8)
  header.writeUInt16LE(1 + FIELD_WIDTH * names.length, 10)
  for (const [index, name] of names.entries()) {
    header.write(name, 32 + 32 * index, 'latin1')
    header.write('C', 32 + 32 * index + 11, 'latin1')
    header.writeUInt8(FIELD_WIDTH, 32 + 32 * index + 16)
  }
  header.writeUInt8(0x0d, headerBytes - 1)
  const body = rows.map(row => ` ${names.map(name => (row[name] as string).padEnd(FIELD_WIDTH)).join('')}`).join('')
  return Buffer.concat([header, Buffer.from(`${body}\x1a`, 'latin1')])
}
