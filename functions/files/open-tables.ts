import { basename } from 'node:path'
import { openCsvTable } from './csv-table.ts'
import { type FileForm, formOf, formOfFile } from './file-form.ts'
import { openJsonTable, RECORD_MARK } from './json-table.ts'
import type { Mapping } from './mapping.ts'
import { openParquetTable } from './parquet-table.ts'
import { pathColumnsOf, withPathColumns } from './path-columns.ts'
import { SourceError } from './rows.ts'
import type { Table } from './table.ts'
import { decodeText } from './text.ts'
import { membersOfZip, type Unpacked, unpackedFile } from './unpack.ts'

/** Files of these names in a zip archive are ignored. */
const NO_DATA = /(^|\/)[._]|\.(md|pdf|html?|xml|png|jpe?g)$/i
/** Name of a text that is a table only when an archive has no other one. Otherwise it mostly describes the archive. */
const PLAIN_TEXT = /\.txt$/i

/**
 * Opens the tables in a file, by what its first bytes say it is, whatever its name: text as CSV or JSON, Parquet, and
 * both packed as gzip, zstd or zip.
 *
 * @throws SourceError that names what the file is where it holds no table
 */
export async function* openTables(path: string, mapping: Mapping, name = basename(path)): AsyncGenerator<Table> {
  const form = await formOfFile(path)
  if (form === 'parquet') yield await openParquetTable(path, name)
  else if (form === 'zip') yield* tablesInZip(path, name, mapping)
  else if (form === 'text' || form === 'gzip' || form === 'zstd') {
    yield await openTextTable(name, await unpackedFile(path, form), mapping)
  } else refuse(name, form)
}

function refuse(name: string, form: Exclude<FileForm, 'text' | 'parquet' | 'gzip' | 'zip' | 'zstd'>): never {
  if (form === 'empty') throw new SourceError(`${name} is empty: it has no bytes`)
  throw new SourceError(`${name} is ${form.foreign}, which is not read: ${form.instead}`)
}

async function* tablesInZip(path: string, name: string, mapping: Mapping): AsyncGenerator<Table> {
  const members = await membersOfZip(path)
  const has = (member: string) => members.some(each => each.name === member)
  if (has('xl/workbook.xml')) {
    throw new SourceError(
      `${name} is an Excel workbook, which is not read: save the sheet as CSV, or write it as Parquet`,
    )
  }
  if (has('content.xml')) {
    throw new SourceError(`${name} is a document of LibreOffice, which is not read: save the sheet as CSV`)
  }
  const possible = members.filter(member => !NO_DATA.test(member.name))
  const named = possible.filter(member => !PLAIN_TEXT.test(member.name))
  const tables = named.length > 0 ? named : possible
  if (tables.length === 0) throw new SourceError(`${name} is a zip archive without a table: pack CSV or JSON files`)
  const unread = members.filter(member => !tables.includes(member))
  const notes = unread.map(member => `not read: ${name}/${member.name}`)
  for (const member of tables) {
    const table = await openTextTable(`${name}/${member.name}`, member, mapping)
    const folders = member.name.split('/').slice(0, -1)
    yield withPathColumns({ ...table, notes: [...notes, ...table.notes] }, pathColumnsOf(folders))
  }
}

async function openTextTable(name: string, { open, share }: Unpacked, mapping: Mapping): Promise<Table> {
  const head = await headOf(open())
  const form = formOf(head)
  if (form !== 'text') {
    const inside = typeof form === 'object' ? form.foreign : form === 'empty' ? 'empty' : `a ${form} file`
    throw new SourceError(`${name} holds no text, but is ${inside}: unpack it, and give CSV, JSON or Parquet`)
  }
  const decode = () => decodeText(open(), mapping.encoding)
  const start = (await decodeText(single(head), mapping.encoding)).chunks
  let text = ''
  for await (const chunk of start) text += chunk
  if (mapping.separator === undefined && /^\s*[[{]/.test(text.replace(RECORD_MARK, '')))
    return { share, ...(await openJsonTable(name, decode)) }
  return { share, ...(await openCsvTable(name, await decode(), mapping)) }
}

const HEAD_BYTES = 4_096

async function headOf(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let head = Buffer.alloc(0)
  for await (const chunk of bytes) {
    head = Buffer.concat([head, chunk])
    if (head.length >= HEAD_BYTES) break
  }
  return head.subarray(0, HEAD_BYTES)
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
