import { open } from 'node:fs/promises'
import { SourceError } from './rows.ts'

/** Kind of a file by its first bytes: a form that can be read, or the name of one that cannot. */
export type FileForm = 'text' | 'parquet' | 'gzip' | 'zip' | 'zstd' | 'empty' | { foreign: string; instead: string }

const HEAD_BYTES = 4_096

const EXPORT_CSV = 'export its table as CSV or Parquet'

const UTF_32 = { foreign: 'text in UTF-32', instead: 'save it as UTF-8' }

/** Marks at the start of files that hold no table that is read. */
const FOREIGN: readonly { mark: readonly number[]; at?: number; foreign: string; instead: string }[] = [
  { mark: [0xff, 0xfe, 0, 0], ...UTF_32 },
  { mark: [0, 0, 0xfe, 0xff], ...UTF_32 },
  { mark: [0x89, 0x50, 0x4e, 0x47], foreign: 'a PNG image', instead: 'give statistics of images, not images' },
  { mark: [0xff, 0xd8, 0xff], foreign: 'a JPEG image', instead: 'give statistics of images, not images' },
  { mark: [0x49, 0x49, 0x2a, 0x00], foreign: 'a TIFF image', instead: 'give statistics of images, not images' },
  { mark: [0x49, 0x49, 0x2b, 0x00], foreign: 'a BigTIFF image', instead: 'give statistics of images, not images' },
  { mark: [0x4d, 0x4d, 0x00, 0x2a], foreign: 'a TIFF image', instead: 'give statistics of images, not images' },
  { mark: [0x89, 0x48, 0x44, 0x46], foreign: 'an HDF5 or NetCDF file', instead: EXPORT_CSV },
  { mark: [0x43, 0x44, 0x46], foreign: 'a NetCDF file', instead: EXPORT_CSV },
  { mark: [0x0e, 0x03, 0x13, 0x01], foreign: 'an HDF4 file', instead: EXPORT_CSV },
  { mark: [0x25, 0x50, 0x44, 0x46], foreign: 'a PDF document', instead: EXPORT_CSV },
  {
    mark: [0xd0, 0xcf, 0x11, 0xe0],
    foreign: 'an Excel workbook of the old form (.xls)',
    instead: 'save the sheet as CSV',
  },
  { mark: [...Buffer.from('SQLite format 3')], foreign: 'a SQLite database', instead: EXPORT_CSV },
  { mark: [...Buffer.from('DUCK')], at: 8, foreign: 'a DuckDB database', instead: EXPORT_CSV },
  { mark: [...Buffer.from('ARROW1')], foreign: 'an Arrow or Feather file', instead: 'write it as Parquet' },
  { mark: [...Buffer.from('FEA1')], foreign: 'a Feather file', instead: 'write it as Parquet' },
  { mark: [...Buffer.from('ORC')], foreign: 'an ORC file', instead: 'write it as Parquet' },
  { mark: [...Buffer.from('Obj'), 1], foreign: 'an Avro file', instead: 'write it as Parquet' },
  { mark: [...Buffer.from('PARE')], foreign: 'an encrypted Parquet file', instead: 'write it without encryption' },
  { mark: [...Buffer.from('BZh')], foreign: 'a bzip2 file', instead: 'unpack it, or compress it as gzip' },
  { mark: [0xfd, 0x37, 0x7a, 0x58, 0x5a], foreign: 'an xz file', instead: 'unpack it, or compress it as gzip' },
  { mark: [0x37, 0x7a, 0xbc, 0xaf], foreign: 'a 7-Zip archive', instead: 'unpack it, or pack it as zip' },
  { mark: [...Buffer.from('Rar!')], foreign: 'a RAR archive', instead: 'unpack it, or pack it as zip' },
  { mark: [...Buffer.from('ustar')], at: 257, foreign: 'a tar archive', instead: 'unpack it and give the folder' },
  { mark: [0x04, 0x22, 0x4d, 0x18], foreign: 'an LZ4 file', instead: 'unpack it, or compress it as gzip' },
  { mark: [0x00, 0x00, 0x27, 0x0a], foreign: 'a shapefile', instead: 'export it as GeoJSON or CSV' },
  {
    mark: [...Buffer.from('version https://git-lfs')],
    foreign: 'a Git LFS pointer',
    instead: 'fetch the file itself with git lfs pull',
  },
  { mark: [0xff, 0xff, 0xff, 0xff], foreign: 'an Arrow stream', instead: 'write it as Parquet' },
  { mark: [0x80, 0x05, 0x95], foreign: 'a Python pickle', instead: 'write it with to_parquet or to_csv' },
  { mark: [0x80, 0x04, 0x95], foreign: 'a Python pickle', instead: 'write it with to_parquet or to_csv' },
  { mark: [0x93, ...Buffer.from('NUMPY')], foreign: 'a NumPy array', instead: EXPORT_CSV },
]

/** Starts of texts that are no tables, behind spaces and a byte order mark. */
const FOREIGN_TEXTS: readonly { start: RegExp; foreign: string; instead: string }[] = [
  {
    start: /^<(!doctype html|html|head|body|table|meta|script|div)\b/i,
    foreign: 'a web page',
    instead: 'download the table itself: this may be a page of an error or a log-in',
  },
  {
    start: /^<([?!]|[a-z][\w:.-]*[\s/>])/i,
    foreign: 'an XML document',
    instead: `${EXPORT_CSV}; it may be the message of an error`,
  },
]

const BINARY: FileForm = { foreign: 'a binary file', instead: 'give CSV, JSON or Parquet' }

const MARKS = [
  { mark: Buffer.from('PAR1'), form: 'parquet' },
  { mark: Buffer.from([0x1f, 0x8b]), form: 'gzip' },
  { mark: Buffer.from([0x50, 0x4b, 0x03, 0x04]), form: 'zip' },
  { mark: Buffer.from([0x50, 0x4b, 0x05, 0x06]), form: 'zip' },
  { mark: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), form: 'zstd' },
] as const

/** @throws SourceError when the file cannot be read */
export async function formOfFile(path: string): Promise<FileForm> {
  const file = await open(path).catch(error => {
    throw new SourceError(`cannot read ${path}: ${error.message}`, { cause: error })
  })
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    const form = formOf(buffer.subarray(0, bytesRead))
    if (form !== BINARY) return form
    // A Parquet file also ends with its mark. If only its start is damaged, the reader says so.
    const { size } = await file.stat()
    const end = await file.read(Buffer.alloc(4), 0, 4, Math.max(size - 4, 0))
    return end.buffer.toString('latin1') === 'PAR1' ? 'parquet' : form
  } catch (error) {
    throw new SourceError(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  } finally {
    await file.close()
  }
}

/** Form of a file by its first bytes. */
export function formOf(head: Uint8Array): FileForm {
  if (head.length === 0) return 'empty'
  const known = MARKS.find(({ mark }) => startsWith(head, mark))
  if (known) return known.form
  const foreign = FOREIGN.find(({ mark, at = 0 }) => startsWith(head, mark, at))
  if (foreign) return { foreign: foreign.foreign, instead: foreign.instead }
  const text = Buffer.from(head.subarray(0, 200))
    .toString('utf8')
    .replace(/^\ufeff?\s*/, '')
  const document = FOREIGN_TEXTS.find(({ start }) => start.test(text))
  if (document) return { foreign: document.foreign, instead: document.instead }
  if (isBinary(head)) return isUtf32(head) ? UTF_32 : BINARY
  return 'text'
}

function startsWith(head: Uint8Array, mark: ArrayLike<number>, at = 0): boolean {
  if (head.length < at + mark.length) return false
  for (let index = 0; index < mark.length; index++) if (head[at + index] !== mark[index]) return false
  return true
}

/** Returns true for bytes that are not text: only text in UTF-16 has zero bytes, and there about half are zero. */
function isBinary(head: Uint8Array): boolean {
  const zeros = head.filter(byte => byte === 0).length
  return zeros > 0 && utf16Of(head) === undefined
}

/** Returns true when only one byte of each four, the first or the last, is not zero: UTF-32 without a mark. */
function isUtf32(head: Uint8Array): boolean {
  const places = new Set<number>()
  for (const [at, byte] of head.entries()) if (byte !== 0) places.add(at % 4)
  return head.length >= 16 && places.size === 1 && (places.has(0) || places.has(3))
}

/** The UTF-16 that a text begins as, by its mark or because every second byte is zero. */
export function utf16Of(head: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  const pairs = Math.floor(head.length / 2)
  if (pairs < 4) return undefined
  let [first, second] = [0, 0]
  for (let at = 0; at < pairs * 2; at += 2) {
    if (head[at] === 0) first += 1
    if (head[at + 1] === 0) second += 1
  }
  if (first === 0 && second > pairs * 0.7) return 'utf-16le'
  return second === 0 && first > pairs * 0.7 ? 'utf-16be' : undefined
}
