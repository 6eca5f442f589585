import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FOLDER_FILES, readEvents } from './csv.ts'
import { readParquetEvents } from './parquet-events.ts'
import { type RowRead, SourceError } from './rows.ts'

/** What is imported as one: a file, or a folder of CSV files that belong together. */
export interface Source {
  path: string
  files: readonly string[]
}

/** Enough of it that no two files of this world share a name. */
const NAME_DIGITS = 32

/**
 * The sources at a path: a file; or of a folder all its files *.csv and *.parquet, in order of their names. Where it
 * has the four CSV files that `readEvents` joins, they are one source, and no other CSV file is any. Names that begin
 * with a dot or an underscore are passed over, as Spark and macOS mean them.
 *
 * @throws SourceError when there is nothing to read
 */
export async function findSources(path: string): Promise<Source[]> {
  const found = await stat(path).catch(error => {
    throw new SourceError(`cannot read ${path}: give a CSV or Parquet file, or a folder of them`, { cause: error })
  })
  if (!found.isDirectory()) return [{ path, files: [path] }]
  const names = (await readdir(path)).filter(name => !/^[._]/.test(name)).sort()
  const isWhole = FOLDER_FILES.every(name => names.includes(name))
  const whole = { path, files: FOLDER_FILES.map(name => join(path, name)) }
  const single = names
    .filter(name => isParquet(name) || (isCsv(name) && !isWhole))
    .map(name => ({ path: join(path, name), files: [join(path, name)] }))
  const sources = isWhole ? [whole, ...single] : single
  if (sources.length === 0) throw new SourceError(`${path} has no files *.csv or *.parquet`)
  return sources
}

/** The source's rows, one by one. @throws SourceError as soon as it cannot be read further */
export function readSource({ path }: Source, options: { now: () => number }): AsyncGenerator<RowRead> {
  return isParquet(path) ? readParquetEvents(path, options) : readEvents(path, options)
}

/** A name that sources share exactly when their bytes are the same. @throws SourceError when it cannot be read */
export async function nameOfContent({ files }: Source): Promise<string> {
  const digests: Buffer[] = []
  for (const file of files) digests.push(await sha256(file))
  const digest = digests.length === 1 ? digests[0] : createHash('sha256').update(Buffer.concat(digests)).digest()
  return (digest as Buffer).toString('hex').slice(0, NAME_DIGITS)
}

/** Tells, but for the most contrived, whether a source was written to in between. @throws SourceError as above */
export async function stateOfFiles({ files }: Source): Promise<string> {
  const states: number[] = []
  for (const file of files) {
    const { size, mtimeMs, ino } = await stat(file).catch(cannotRead(file))
    states.push(size, mtimeMs, ino)
  }
  return states.join()
}

async function sha256(file: string): Promise<Buffer> {
  const hash = createHash('sha256')
  await createReadStream(file)
    .forEach(chunk => void hash.update(chunk as Buffer))
    .catch(cannotRead(file))
  return hash.digest()
}

function cannotRead(file: string): (error: Error) => never {
  return error => {
    throw new SourceError(`cannot read ${file}: ${error.message}`, { cause: error })
  }
}

function isParquet(name: string): boolean {
  return /\.parquet$/i.test(name)
}

function isCsv(name: string): boolean {
  return /\.csv$/i.test(name)
}
