import { headerKey } from './presets.ts'
import { columnsOf, type Plan } from './recognition.ts'
import { quoted, SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'

/** Headers of columns that name the quantity of a row's value, where a table has several. */
const QUANTITY_HEADERS: ReadonlySet<string> = new Set(['band', 'dataset', 'index', 'layer', 'parameter', 'variable'])

/** Header of AppEEARS' column of file names, which name the layer. */
const FILE_NAME = 'file_name'

const NDVI = /ndvi/i

/** Names of other quantities that programs give in the same tables as NDVI. */
const OTHER =
  /(^|[^a-z])(EVI2?|MSAVI|SAVI|NDWI|NDMI|NDBI|NBR|LST|LAI|FPAR|GCC|NDRE|GNDVI|VARI|(VI_)?quality)([^a-z]|$)/i

/** Check of the quantities that the rows of a table hold. */
export interface Quantities {
  /** Columns that name them. */
  columns: readonly number[]
  /** @throws SourceError when rows hold another quantity than NDVI, all of them or some */
  refuseOthers(rows: readonly TableRow[]): void
}

/** Column that names quantities, with the last name of NDVI and of another quantity that its rows had. */
interface NamingColumn {
  at: number
  header: string
  isFileName: boolean
  ndvi?: string
  other?: string
}

/**
 * Finds the columns that name quantities. There are none where the column of NDVI says itself that it is NDVI.
 *
 * @param isAsked whether people named the column of NDVI
 */
export function quantitiesOf({ file, columns }: Table, { sources }: Plan, isAsked: boolean): Quantities {
  const used = new Set(Object.values(sources).flatMap(columnsOf))
  const isNamed =
    sources.ndvi_mean !== undefined && columnsOf(sources.ndvi_mean).some(at => NDVI.test(columns[at] ?? ''))
  const isQuantity = (header: string, at: number) =>
    headerKey(header) === FILE_NAME || (QUANTITY_HEADERS.has(headerKey(header)) && !used.has(at))
  const found = columns.flatMap((header, at): NamingColumn[] =>
    !isNamed && isQuantity(header, at) ? [{ at, header, isFileName: headerKey(header) === FILE_NAME }] : [],
  )
  return {
    columns: found.map(({ at }) => at),
    refuseOthers(rows) {
      for (const names of found) {
        const { at, header, isFileName } = names
        for (const row of rows) {
          const name = 'values' in row ? row.values[at] : undefined
          if (typeof name !== 'string' || name === '') continue
          if (NDVI.test(name) && !OTHER.test(name)) names.ndvi = name
          else if (!isFileName || OTHER.test(name)) names.other = name
        }
        if (names.other === undefined) continue
        if (names.ndvi === undefined) {
          if (isAsked || !OTHER.test(names.other)) continue
          throw new SourceError(
            `${file}: by the column ${quoted(header)} rows hold ${quoted(names.other)}, not NDVI. Nothing was taken; --column ndvi_mean=HEADER says that a column is NDVI all the same`,
          )
        }
        throw new SourceError(
          `${file}: by the column ${quoted(header)} some rows hold ${quoted(names.ndvi)} and others ${quoted(names.other)}: keep those of NDVI in the file, and no others. Nothing was taken`,
        )
      }
    },
  }
}
