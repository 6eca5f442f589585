import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openSqliteCheckpoints } from '../../functions/adapters/sqlite/checkpoints.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { LOG_FORMAT } from '../../functions/adapters/sqlite/log-tables.ts'
import { ARCHIVE_COLUMNS, ARCHIVE_FORMAT, encodeArchiveFile } from '../../functions/archive/parquet.ts'
import { readArchiveFile } from '../../functions/archive/read.ts'
import { encodeView, VIEW_FORMAT, type View, viewKey } from '../../functions/batch/view.ts'
import { FORMAT_KEY, formatOf } from '../../functions/parquet/format.ts'
import { writeParquet } from '../../functions/parquet/write.ts'
import { readEnvironment } from '../../functions/runtime/config/environment.ts'
import { endpointsOf } from '../../functions/runtime/local/endpoints.ts'
import { openLocalRuntime } from '../../functions/runtime/local/runtime.ts'
import { openState } from '../../functions/runtime/local/state.ts'
import { schemaOf, storedForms, SOME_VIEW as VIEW } from '../fixtures/stored-forms.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures')
const HOW =
  'a stored form changed: raise its format, take the older form over, then run node test/fixtures/note-forms.ts. A noted form never changes'
const NOTED: Record<string, Record<number, unknown>> = JSON.parse(
  readFileSync(join(FIXTURES, 'stored-forms.json'), 'utf8'),
)

it('no stored form changes without a new format number', async () => {
  for (const [name, { format, form }] of Object.entries(await storedForms())) {
    expect(NOTED[name]?.[format], `${name}, format ${format}: ${HOW}`).toEqual(form)
  }
})

it('every stored form has the newest format that is recorded here', async () => {
  const newest = Object.entries(NOTED).map(([name, forms]) => [name, Math.max(...Object.keys(forms).map(Number))])
  const now = Object.entries(await storedForms()).map(([name, { format }]) => [name, format])
  expect(Object.fromEntries(now)).toEqual(Object.fromEntries(newest))
})

/** A file of the state that test/fixtures/make-state.ts has packed with the first version. */
function firstVersionsFile(name: string): string {
  const packed = JSON.parse(gunzipSync(readFileSync(join(FIXTURES, 'state-format-1.json.gz'))).toString())
  const folder = temporaryFolder()
  for (const [path, content] of Object.entries(packed as Record<string, string>)) {
    if (!path.startsWith(name)) continue
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), Buffer.from(content, 'base64'))
  }
  return join(folder, name)
}

function query(file: string, sql: string): Record<string, unknown> {
  const database = new DatabaseSync(file)
  try {
    return database.prepare(sql).get() as Record<string, unknown>
  } finally {
    database.close()
  }
}

it('a log of format 1 is migrated: it has the form of a new log and its records, and continues after its newest arrival', async () => {
  const file = firstVersionsFile('log.sqlite')
  expect(schemaOf(file)).not.toEqual(NOTED.log?.[LOG_FORMAT])
  const before = query(file, 'SELECT count(*) AS records, max(arrival_ms) AS newest FROM record')
  // A clock that is behind shows whether the newest arrival is known.
  const newest = before.newest as number
  const log = openSqliteEventLog({ file, readClocks: () => ({ wallMs: newest - 1_000, upMs: 1, boot: 'a' }) })
  expect(schemaOf(file)).toEqual(NOTED.log?.[LOG_FORMAT])
  expect(query(file, 'PRAGMA user_version')).toEqual({ user_version: LOG_FORMAT })
  const [lane] = await log.lanes()
  await log.append([{ lane: lane?.name as string, data: Buffer.from('a') }])
  await log.close()
  expect(query(file, 'SELECT count(*) AS records, max(arrival_ms) AS newest FROM record')).toEqual({
    records: (before.records as number) + 1,
    newest,
  })
})

it.each([
  ['the log', (file: string) => openSqliteEventLog({ file }), LOG_FORMAT],
  ['the checkpoints in', (file: string) => openSqliteCheckpoints(file), 1],
])('%s of a newer format is refused with its name, and not changed', async (name, open, newest) => {
  const file = join(temporaryFolder(), 'file.sqlite')
  const first = open(file)
  await first.close()
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA user_version = ${newest + 1}`)
  database.close()
  const forms = schemaOf(file)
  expect(() => open(file)).toThrow(`${name} ${file} has format ${newest + 1}, this landcover reads 1 to ${newest}: run`)
  expect(schemaOf(file)).toEqual(forms)
  expect(query(file, 'PRAGMA user_version')).toEqual({ user_version: newest + 1 })
})

it('an archive file states its format; without one it has the first format, and a newer format is refused', async () => {
  const stated = encodeArchiveFile([], 'a.parquet')
  expect(formatOf(stated)).toBe(ARCHIVE_FORMAT)
  expect(await readArchiveFile('a', stated)).toEqual([])
  expect(formatOf(writeParquet(ARCHIVE_COLUMNS, []))).toBe(1)
  const toCome = writeParquet(ARCHIVE_COLUMNS, [], { [FORMAT_KEY]: String(ARCHIVE_FORMAT + 1) })
  await expect(readArchiveFile('archive/b', toCome)).rejects.toThrow(
    `the archive file archive/b has format ${ARCHIVE_FORMAT + 1}, this landcover reads 1 to ${ARCHIVE_FORMAT}: run`,
  )
})

it.each([
  [
    'of a newer format',
    Buffer.from(encodeView({ ...VIEW, format: VIEW_FORMAT + 1 } as View)),
    `has format ${VIEW_FORMAT + 1}`,
  ],
  [
    'from before format 1',
    Buffer.from('{"revision":1,"cut":0,"totalsKey":"a","imports":[],"publishedAt":"2026-11-23","audit":{}}'),
    'has no format: a landcover from before format 1 wrote it',
  ],
])(
  'a state with a view %s is refused by name at the start, so that answers do not fail later',
  async (_, bytes, told) => {
    const folder = temporaryFolder()
    const settings = await openState(folder, { slotMs: 60_000, demo: false, createdMs: 1 })
    await openFolderObjectStore(join(folder, 'objects')).put(viewKey(1), bytes)
    const servers = endpointsOf(folder, settings, { log: undefined, store: undefined })
    const open = () => openLocalRuntime(folder, settings, servers, readEnvironment({}), () => {})
    await expect(open()).rejects.toThrow(`the view ${viewKey(1)} ${told}`)
    // A damaged one does not count as an unknown format: the layers say what to do.
    writeFileSync(join(folder, 'objects', viewKey(1)), bytes.subarray(1))
    await (await open()).close()
  },
)
