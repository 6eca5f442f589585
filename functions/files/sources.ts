import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { formOfFile } from './file-form.ts'
import { JOINED_FILES, JOINED_MARK } from './joined-files.ts'
import type { Mapping } from './mapping.ts'
import { pathColumnsOf } from './path-columns.ts'
import { SourceError } from './rows.ts'

/** Unit of an import: a file, or a folder of CSV files that belong together. */
export interface Source {
  path: string
  files: readonly string[]
  /** Name in messages. */
  name: string
  /** Columns that the names of its folders stand for, as in `class_name=Forest/`. */
  pathColumns: Readonly<Record<string, string>>
}

/** Result of a search for files. */
export interface FoundSources {
  sources: Source[]
  /** Files of a folder that are not read, and why. */
  unread: { path: string; reason: string }[]
}

/** Number of characters, enough that no two files get the same name. */
const NAME_DIGITS = 32

/** Extensions of the files that are read. Their bytes decide what they are. */
const TABLE =
  /\.(csv|tsv|tab|txt|json|ndjson|jsonl|geojson|geojsonl|geojsons|parquet|pq|parq|zip)(\.(gz|gzip|zst|zstd|snappy|brotli|lz4))?$/i

/**
 * Finds the sources at a path: a file, or all files of tables in a folder and its folders, in the order of their names.
 * Where a folder has `ndvi_stats.csv`, its CSV files are one source. Names that begin with a dot or an underscore are
 * skipped, as Spark and macOS intend.
 *
 * @throws SourceError when there is nothing to read
 */
export async function findSources(path: string): Promise<FoundSources> {
  const found = await stat(path).catch(error => {
    throw new SourceError(`cannot read ${path}: give a CSV, JSON or Parquet file, or a folder of them`, {
      cause: error,
    })
  })
  if (!found.isDirectory()) {
    const source = {
      path,
      files: [path],
      name: basename(path),
      pathColumns: pathColumnsOf(path.split(sep).slice(0, -1)),
    }
    return { sources: [source], unread: [] }
  }
  const all: FoundSources = { sources: [], unread: [] }
  await addFolder(path, path, all)
  if (all.sources.length === 0) {
    const why = all.unread.slice(0, 5).map(({ path: file, reason }) => `; ${relative(path, file)} ${reason}`)
    throw new SourceError(`${path} has no files *.csv, *.json or *.parquet${why.join('')}`)
  }
  return all
}

async function addFolder(root: string, folder: string, all: FoundSources): Promise<void> {
  const entries = (await readdir(folder, { withFileTypes: true }))
    .filter(({ name }) => !/^[._]/.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const pathColumns = pathColumnsOf([basename(root), ...relative(root, folder).split(sep)])
  const isJoined = entries.some(({ name }) => name === JOINED_MARK)
  if (isJoined) {
    const files = JOINED_FILES.map(name => join(folder, name))
    all.sources.push({ path: folder, files, name: relative(root, folder) || basename(root), pathColumns })
  }
  for (const entry of entries) {
    const path = join(folder, entry.name)
    const name = relative(root, path)
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await stat(path)).isDirectory())
    if (isFolder) await addFolder(root, path, all)
    else if (isJoined && /\.csv$/i.test(entry.name)) {
      const isPart = (JOINED_FILES as readonly string[]).includes(entry.name)
      if (!isPart) all.unread.push({ path, reason: `is beside ${JOINED_MARK}: put it into a separate folder` })
    } else if (TABLE.test(entry.name) || (await isParquet(path))) {
      all.sources.push({ path, files: [path], name, pathColumns })
    } else all.unread.push({ path, reason: await reasonAgainst(path) })
  }
}

async function isParquet(path: string): Promise<boolean> {
  return (await formOfFile(path)) === 'parquet'
}

async function reasonAgainst(path: string): Promise<string> {
  const form = await formOfFile(path)
  if (typeof form === 'object') return `is ${form.foreign}: ${form.instead}`
  return form === 'zip'
    ? 'is a zip archive or a workbook: name it .zip, or save it as CSV'
    : 'has no name of a table, such as .csv, .json or .parquet'
}

/**
 * Computes the name of a source's content. Sources have the same name exactly if their bytes, and the way they are
 * read, are the same.
 *
 * @throws SourceError when it cannot be read
 */
export async function nameOfContent({ files, pathColumns }: Source, mapping: Mapping = {}): Promise<string> {
  const digests: Buffer[] = []
  for (const file of files) digests.push(await sha256(file))
  const reading = JSON.stringify([mapping, pathColumns])
  if (reading !== '[{},{}]') digests.push(createHash('sha256').update(reading).digest())
  const digest = digests.length === 1 ? digests[0] : createHash('sha256').update(Buffer.concat(digests)).digest()
  return (digest as Buffer).toString('hex').slice(0, NAME_DIGITS)
}

/** Returns a mark that changes when a source is written to. @throws SourceError as above */
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
