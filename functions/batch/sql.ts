/**
 * Puts values in the place of `:name` in a statement of data/sql, as literals, because Athena, Trino and DuckDB each
 * want parameters in another way. Several texts become a list, as `in` takes it.
 *
 * @throws Error when a name has no value
 */
export function renderSql(text: string, values: Record<string, string | number | readonly string[]>): string {
  const statement = text.replaceAll(/--.*$/gm, '')
  return statement.replaceAll(/(?<!:):([a-z_]+)/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`the statement wants a value for :${name}`)
    return typeof value === 'number' ? String(value) : [value].flat().map(quoted).join(', ')
  })
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
