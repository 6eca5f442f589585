import type { SqlValue } from '../../ports/batch-query.ts'

/**
 * A value of Trino, and of Athena, which is made of it, from its text.
 *
 * @param scale of a decimal: its digits behind the point
 * @throws Error that names the column when its type is none of the port's
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
