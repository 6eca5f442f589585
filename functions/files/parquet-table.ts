import { openParquet } from '../parquet/open-foreign.ts'
import { SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'

/**
 * Opens a Parquet file as a table. Every page with a checksum is compared with it before the first row is given.
 *
 * @throws SourceError when it is damaged or cut off
 */
export async function openParquetTable(path: string, file: string): Promise<Table> {
  const fault = (error: unknown) =>
    new SourceError(`cannot read ${path} as Parquet: ${error instanceof Error ? error.message : error}`)
  const parquet = await openParquet(path).catch(error => {
    throw fault(error)
  })
  let read = 0
  async function* rows(used: readonly number[]): AsyncGenerator<TableRow[]> {
    const pieces = parquet.pieces(used.map(index => parquet.columns[index] as string))
    for (;;) {
      const piece = await pieces.next().catch(error => {
        throw fault(error)
      })
      if (piece.done) return
      const { count, columns } = piece.value
      const batch: TableRow[] = []
      for (let index = 0; index < count; index++) {
        const values: unknown[] = []
        for (let at = 0; at < used.length; at++) values[used[at] as number] = columns[at]?.[index]
        for (const [column, perSecond] of parquet.clockColumns) {
          if (values[column] !== undefined && values[column] !== null) {
            values[column] = clockText(Number(values[column]) / perSecond)
          }
        }
        batch.push({ row: ++read, values })
      }
      yield batch
    }
  }
  const { columns, timeColumns, rowCount } = parquet
  return { file, columns, timeColumns, rows, share: () => read / rowCount, notes: [] }
}

/** A time of day as text, to the microsecond. @param seconds since midnight */
function clockText(seconds: number): string {
  const two = (number: number) => String(Math.floor(number)).padStart(2, '0')
  return `${two(seconds / 3_600)}:${two((seconds / 60) % 60)}:${(seconds % 60).toFixed(6).padStart(9, '0')}`
}
