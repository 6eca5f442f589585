import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PLACE_NUMBERS, PLACE_TEXTS, type WireEvent } from '../../functions/core/event.ts'
import type { Mapping } from '../../functions/files/mapping.ts'
import { type ReadOptions, readEvents, readSource } from '../../functions/files/read-events.ts'
import type { RowProblem, RowRead } from '../../functions/files/rows.ts'
import { findSources } from '../../functions/files/sources.ts'
import { temporaryFolder } from './temporary-folder.ts'

const NOW_MS = Date.UTC(2026, 10, 1, 12)
export const HEADER = 'image_id,class_name,timestamp,ndvi_mean'
export const ROW = 'a,Forest,2024-06-11T08:00:00Z,0.42'
const CLASSES = ['Forest', 'River', 'Forêt']

/** Reads the events of a file or a folder, row by row. */
export async function* readPath(path: string, options: ReadOptions): AsyncGenerator<RowRead> {
  yield* readEvents((await findSources(path)).sources, options)
}

/** Lines of a text file. */
export const csv = (...lines: string[]) => `${lines.join('\n')}\n`

/** Events and problems of the rows of people's files. */
export interface Read {
  /** `class day ndvi` of each event. */
  events: string[]
  ids: string[]
  /** Fields of a place and its image of each event. */
  places: Partial<WireEvent>[]
  problems: RowProblem[]
  errors: string[]
  notes: string[]
  warnings: string[]
  unread: string[]
  withoutNdvi: number
}

/** Reads a file, or a folder of files, by their names and contents. */
export async function read(
  files: Record<string, string | Uint8Array>,
  mapping: Mapping = {},
  path = Object.keys(files).length > 1 ? '.' : (Object.keys(files)[0] as string),
): Promise<Read> {
  const folder = join(temporaryFolder(), 'data')
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  const result: Read = {
    ...{
      events: [],
      ids: [],
      places: [],
      problems: [],
      errors: [],
      notes: [],
      warnings: [],
      unread: [],
      withoutNdvi: 0,
    },
  }
  const report = {
    note: (sentence: string) => void result.notes.push(sentence),
    warn: (sentence: string) => void result.warnings.push(sentence),
  }
  try {
    const { sources, unread } = await findSources(join(folder, path))
    result.unread = unread.map(({ path: file, reason }) => `${file.slice(folder.length + 1)} ${reason}`)
    for (const source of sources) {
      for await (const rows of readSource(source, { now: () => NOW_MS, mapping, classes: CLASSES, report })) {
        for (const row of rows) {
          if ('problem' in row) result.problems.push(row.problem)
          else if ('event' in row) {
            const event = row.event()
            const { class_name, timestamp, ndvi_mean, image_id } = event
            result.events.push(`${class_name} ${timestamp.slice(0, 16)} ${ndvi_mean}`)
            result.ids.push(image_id)
            const fields = [...PLACE_NUMBERS, ...PLACE_TEXTS].filter(field => field in event)
            result.places.push(Object.fromEntries(fields.map(field => [field, event[field]])))
          } else result.withoutNdvi += 1
        }
      }
    }
  } catch (error) {
    result.errors.push((error as Error).message)
  }
  return result
}

/** A zip archive with its files stored as they are. */
export function zip(files: Record<string, string>): Buffer {
  const locals: Buffer[] = []
  const entries: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(files)) {
    const [data, title] = [Buffer.from(content), Buffer.from(name)]
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt32LE(data.length, 18)
    local.writeUInt32LE(data.length, 22)
    local.writeUInt16LE(title.length, 26)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt32LE(data.length, 20)
    entry.writeUInt32LE(data.length, 24)
    entry.writeUInt16LE(title.length, 28)
    entry.writeUInt32LE(offset, 42)
    locals.push(local, title, data)
    entries.push(entry, title)
    offset += local.length + title.length + data.length
  }
  const directory = Buffer.concat(entries)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Object.keys(files).length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}
