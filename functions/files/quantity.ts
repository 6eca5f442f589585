import { headerKey } from './presets.ts'
import { columnsOf, type Plan } from './recognition.ts'
import { quoted, SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'

/** Headers of columns that name the quantity of a row's value, where a table has several. */
const QUANTITY_HEADERS: ReadonlySet<string> = new Set(['band', 'dataset', 'index', 'layer', 'parameter', 'variable'])

const NDVI = /ndvi/i

/** Look at the quantities that the rows of a table hold. */
export interface Quantities {
  /** Columns that name them. */
  columns: readonly number[]
  /** @throws SourceError when some rows hold NDVI and others another quantity, in the same column */
  refuseOthers(rows: readonly TableRow[]): void
}

/** Finds the columns that name quantities. There are none where the column of NDVI says itself that it is NDVI. */
export function quantitiesOf({ file, columns }: Table, { sources }: Plan): Quantities {
  const used = new Set(Object.values(sources).flatMap(columnsOf))
  const isNamed =
    sources.ndvi_mean !== undefined && columnsOf(sources.ndvi_mean).some(at => NDVI.test(columns[at] ?? ''))
  const found = columns.flatMap((header, at) => (QUANTITY_HEADERS.has(headerKey(header)) && !used.has(at) ? [at] : []))
  const seen = found.map((): { ndvi?: string; other?: string } => ({}))
  return {
    columns: isNamed ? [] : found,
    refuseOthers(rows) {
      if (isNamed) return
      for (const [index, at] of found.entries()) {
        const names = seen[index] as (typeof seen)[number]
        for (const row of rows) {
          const name = 'values' in row ? row.values[at] : undefined
          if (typeof name === 'string' && name !== '') names[NDVI.test(name) ? 'ndvi' : 'other'] = name
        }
        if (names.ndvi === undefined || names.other === undefined) continue
        throw new SourceError(
          `${file}: by the column ${quoted(columns[at] as string)} some rows hold ${quoted(names.ndvi)} and others ${quoted(names.other)}: keep those of NDVI in the file, and no others. Nothing was taken`,
        )
      }
    },
  }
}
