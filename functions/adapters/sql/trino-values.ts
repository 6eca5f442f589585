import type { SqlValue } from '../../ports/batch-query.ts'

/**
 * Converts the text of a value from Trino, or from Athena, which is based on Trino.
 *
 * @param scale digits behind the decimal point, for a decimal
 * @throws Error that names the column when the port does not support its type
 */
export function toSqlValue(column: string, type: string, scale: number, text: string): SqlValue {
  switch (type) {
    case 'varchar':
      return text
    case 'boolean':
      return text === 'true'
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'double':
      return Number(text)
    case 'bigint':
      return BigInt(text)
    case 'decimal':
      if (scale === 0) return BigInt(text)
  }
  throw new Error(`column ${column}: cast it to varchar, a number, bigint or decimal(38,0)`)
}
