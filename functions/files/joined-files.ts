import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { classNames } from './class-names.ts'
import { decimalsOf } from './decimal-columns.ts'
import type { Mapping } from './mapping.ts'
import { openTables } from './open-tables.ts'
import { headerKey } from './presets.ts'
import { recognize } from './recognition.ts'
import { rowReader } from './row-to-event.ts'
import { quoted, type RowProblem, SILENT, SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'

const IMAGES = 'images.csv'
const CLASSES = 'classes.csv'
const NDVI_STATS = 'ndvi_stats.csv'
const SPECTRAL_DATA = 'spectral_data.csv'

/** The files of a folder that is read as a whole; the first is a row per event. */
export const JOINED_FILES = [IMAGES, CLASSES, NDVI_STATS, SPECTRAL_DATA] as const

/** Name of the file by which a folder of files that belong together is recognised. */
export const JOINED_MARK = NDVI_STATS

/** A file by its key: the values of the first row of each, null where that row was refused. */
type Side = Map<string, { row: number; values: readonly unknown[] | null }>

/**
 * Opens a folder of images.csv, classes.csv, ndvi_stats.csv and spectral_data.csv as one table, joined on image_id and
 * class_id. All but images.csv is held in memory. A row of another file that is refused is reported once, and the
 * images that refer to it are left out with that problem.
 *
 * @throws SourceError when a file is missing or has no header
 */
export async function joinedTable(folder: string, mapping: Mapping): Promise<Table> {
  const present = await readdir(folder)
  const missing = JOINED_FILES.filter(name => !present.includes(name))
  if (missing.length > 0) {
    throw new SourceError(
      `${folder} lacks ${missing.join(', ')}: put it there, or give one CSV file instead of a folder`,
    )
  }
  const open = (name: string) => only(join(folder, name), mapping)
  const images = await open(IMAGES)
  const classes = await open(CLASSES)
  const ndvi = await open(NDVI_STATS)
  const spectral = await open(SPECTRAL_DATA)
  const [imageAt, classAt] = [keyIndex(images, 'image_id'), keyIndex(images, 'class_id')]
  const className = classes.columns.findIndex(header => headerKey(header) === 'class_name')
  if (className < 0) throw new SourceError(`${CLASSES}, row 1: no column class_name`)
  const parts = [ndvi, spectral].map(table => valueColumns(table))
  const all = (table: Table) => table.columns.map((_, index) => index)

  async function* rows(): AsyncGenerator<TableRow[]> {
    const classSide = yield* readSide(classes, 'class_id', ['image_id', 'ndvi_mean'], mapping)
    const ndviSide = yield* readSide(ndvi, 'image_id', ['class_name'], mapping)
    const spectralSide = yield* readSide(spectral, 'image_id', ['class_name', 'ndvi_mean'], mapping)
    const joined = (row: number, values: readonly unknown[]): TableRow[] => {
      const [imageId, classId] = [keyOf(values[imageAt]), keyOf(values[classAt])]
      if (imageId === '') return [{ row, column: 'image_id', defect: 'image_id is missing: fill in the cell' }]
      if (classId === '') return [{ row, column: 'class_id', defect: 'class_id is missing: fill in the cell' }]
      const known = classSide.get(classId)
      if (known === undefined) {
        const defect = `class_id ${quoted(classId)} is not in ${CLASSES}: add it there or correct it here`
        return [{ row, column: 'class_id', defect }]
      }
      const [stats, bands] = [ndviSide.get(imageId), spectralSide.get(imageId)]
      if (stats === undefined || bands === undefined) {
        const lacking = [stats ?? NDVI_STATS, bands ?? SPECTRAL_DATA].filter(each => typeof each === 'string')
        const defect = `image ${quoted(imageId)} is not in ${lacking.join(' nor in ')}: add its row or remove this one`
        return [{ row, column: 'image_id', defect }]
      }
      if (known.values === null || stats.values === null || bands.values === null) return []
      const others = [stats.values, bands.values].flatMap((side, at) => (parts[at] ?? []).map(index => side[index]))
      return [{ row, values: [...values, known.values[className], ...others] }]
    }
    for await (const batch of images.rows(all(images))) {
      yield batch.flatMap(row => ('values' in row ? joined(row.row, row.values) : [row]))
    }
  }
  const columns = [
    // The key is used, although not as a field.
    ...images.columns.map((header, index) => (index === classAt ? '' : header)),
    'class_name',
    ...[ndvi, spectral].flatMap((table, at) => (parts[at] ?? []).map(index => table.columns[index] as string)),
  ]
  const tables = [images, classes, ndvi, spectral]
  const share = () => tables.reduce((sum, table) => sum + (table.share?.() ?? 0), 0) / tables.length
  return { file: IMAGES, columns, rows, share, notes: tables.flatMap(({ notes }) => notes) }
}

async function only(path: string, mapping: Mapping): Promise<Table> {
  for await (const table of openTables(path, mapping)) return table
  throw new SourceError(`${basename(path)} holds no table`)
}

function keyIndex({ file, columns }: Table, key: string): number {
  const found = columns.findIndex(header => headerKey(header) === key)
  if (found >= 0) return found
  const has = columns.slice(0, 20).map(quoted).join(', ')
  throw new SourceError(`${file}, row 1: no column ${key}; the header has ${has}. Add it`)
}

/** Columns that a joined row takes from a file. */
function valueColumns({ columns }: Table): number[] {
  return columns.flatMap((header, index) =>
    ['image_id', 'class_name', 'timestamp'].includes(headerKey(header)) ? [] : [index],
  )
}

/** A key as text: after a merge pandas writes whole numbers as 1.0. */
function keyOf(value: unknown): string {
  return String(value ?? '')
    .trim()
    .replace(/^(\d+)\.0+$/, '$1')
}

/** Placeholder for the fields of other files while a row is checked by itself. */
const UNOBJECTIONABLE = {
  image_id: 'any',
  class_name: 'any',
  ndvi_mean: '0',
  timestamp: '1970-01-01T00:00:00Z',
} as const

async function* readSide(
  table: Table,
  key: 'image_id' | 'class_id',
  others: readonly ('image_id' | 'class_name' | 'ndvi_mean')[],
  mapping: Mapping,
): AsyncGenerator<TableRow[], Side> {
  const at = keyIndex(table, key)
  const constants = Object.fromEntries([...others, 'timestamp' as const].map(field => [field, UNOBJECTIONABLE[field]]))
  const alone = { ...mapping, columns: {}, constants }
  const plan = await recognize(table, alone, false, SILENT)
  const context = {
    now: () => 0,
    timeIsNow: false,
    classes: classNames([]),
    percents: new Set<never>(),
    report: SILENT,
  }
  let reader: ReturnType<typeof rowReader> | undefined
  const side: Side = new Map()
  for await (const rows of table.rows(table.columns.map((_, index) => index))) {
    reader ??= rowReader(table, plan, alone, { ...context, decimalOf: decimalsOf(rows, plan, mapping).decimalOf })
    for (const row of rows) {
      const problem = (column: string, message: string): RowProblem => ({
        file: table.file,
        row: 'row' in row ? row.row : 0,
        column,
        message,
      })
      const read = reader.read(row)
      const id = 'values' in row ? keyOf(row.values[at]) : ''
      const first = side.get(id)
      if (!('values' in row)) {
        if ('problem' in read) yield [read]
      } else if (id === '') yield [{ problem: problem(key, `${key} is missing: fill in the cell`) }]
      else if (first !== undefined) {
        const message = `${key} ${quoted(id)} is in row ${first.row} already, which counts: remove one of them`
        yield [{ problem: problem(key, message) }]
      } else {
        side.set(id, { row: row.row, values: 'event' in read ? row.values : null })
        if ('problem' in read) yield [read]
      }
    }
  }
  return side
}
