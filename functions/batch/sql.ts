/** Statements of data/sql. */
export interface BatchSql {
  totals: string
  looks: string
  content: string
}

/**
 * Puts the statements together from their files.
 *
 * @param read text of a file of data/sql, by its name without `.sql`
 */
export function batchSql(read: (name: string) => string): BatchSql {
  const events = read('events')
  return { totals: events + read('totals'), looks: events + read('looks'), content: read('content') }
}

/**
 * Replaces each `:name` in a statement of data/sql by its value as a literal, because Athena, Trino and DuckDB pass
 * parameters in different ways. A list of texts becomes a list for `in`, which no value equals when it is empty.
 */
export function renderSql(text: string, values: Record<string, string | number | readonly string[]>): string {
  const statement = text.replaceAll(/--.*$/gm, '')
  return statement.replaceAll(/(?<!:):([a-z_]+)/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`the statement needs a value for :${name}`)
    return typeof value === 'number' ? String(value) : [value].flat().map(quoted).join(', ') || 'null'
  })
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
