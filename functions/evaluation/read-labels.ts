import type { Direction } from '../core/incidents/site-change.ts'
import { DAY_MS, parseTimestamp } from '../core/time.ts'
import { openTables } from '../files/open-tables.ts'
import { SourceError } from '../files/rows.ts'

/** Something that happened at a site, as somebody else found it. Times in ms; `untilMs` is the first that is too late. */
export interface LabelledEvent {
  siteId: string
  kind: string
  direction: Direction
  fromMs: number
  knownMs: number
  untilMs: number
}

/** Labels of a series: its events, and the sites without any. */
export interface Labels {
  events: readonly LabelledEvent[]
  /** Sites at which nothing happened. */
  stable: ReadonlySet<string>
}

const COLUMNS = ['site_id', 'kind', 'direction', 'start', 'known_by', 'end'] as const

/**
 * Reads labels: `site_id, kind, direction, start, known_by, end`. Of kind `stable` nothing else is read.
 *
 * @throws SourceError that names row and column
 */
export async function readLabels(path: string): Promise<Labels> {
  const events: LabelledEvent[] = []
  const stable = new Set<string>()
  for await (const { file, columns, rows } of openTables(path, {})) {
    const missing = COLUMNS.filter(name => !columns.includes(name))
    if (missing.length > 0)
      throw new SourceError(`${file}: no column ${missing.join(', ')}: labels need ${COLUMNS.join(', ')}`)
    const at = COLUMNS.map(name => columns.indexOf(name))
    for await (const batch of rows(at)) {
      for (const row of batch) {
        if ('problem' in row) continue
        if ('defect' in row) throw new SourceError(`${file}, row ${row.row}: the row ${row.defect}`)
        const [siteId, kind, ...rest] = at.map(index => String(row.values[index] ?? '')) as [
          string,
          string,
          ...string[],
        ]
        if (siteId === '') throw new SourceError(`${file}, row ${row.row}, column site_id: fill in the cell`)
        if (kind === 'stable') stable.add(siteId)
        else events.push({ siteId, kind, ...eventOf(rest, `${file}, row ${row.row}`) })
      }
    }
  }
  return { events, stable }
}

function eventOf([direction, start, knownBy, end]: string[], where: string) {
  if (direction !== 'drop' && direction !== 'rise') {
    throw new SourceError(`${where}, column direction: must be drop or rise, not '${direction}'`)
  }
  const time = (column: string, text = '') => {
    const ms = parseTimestamp(text)
    if (ms === null)
      throw new SourceError(`${where}, column ${column}: must be a day such as 2024-06-11, not '${text}'`)
    return ms
  }
  const fromMs = time('start', start)
  // The last day belongs to the event.
  const untilMs = time('end', end) + DAY_MS
  if (untilMs <= fromMs) throw new SourceError(`${where}, column end: ${end} lies before the start, ${start}`)
  return { direction, fromMs, knownMs: time('known_by', knownBy), untilMs } as const
}
