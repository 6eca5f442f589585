import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { csvCell } from '../core/csv-cell.ts'
import { fromMicro } from '../core/fixed-point.ts'
import { type AlertMessage, severityColumn } from '../core/incidents/messages.ts'
import type { JudgedLook } from '../core/looks/judge.ts'
import { formatTimestamp } from '../core/time.ts'

const ALERT_COLUMNS =
  'opened_at,site_id,class_name,direction,kind,severity,score,ndvi_change,first_unusual_at,state,closed_at,joined,sites,cause'

/** Writes `alerts.csv`, one row for each incident that opened, and `verdicts.csv`, one row for each look. Creates the folder. */
export async function writeEvaluation(
  folder: string,
  messages: readonly AlertMessage[],
  judged: readonly JudgedLook[],
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const verdicts = judged.map(({ look, verdict, z }) => row(look.imageId, verdict, z === null ? '' : z.toFixed(3)))
  await writeFile(join(folder, 'alerts.csv'), text([ALERT_COLUMNS, ...messages.map(alertRow)]))
  await writeFile(join(folder, 'verdicts.csv'), text(['image_id,verdict,z', ...verdicts]))
}

function alertRow(message: AlertMessage): string {
  const { openedMs, siteId, className, direction, kind, change, state, closedMs, cause, sites, isJoined } = message
  const sign = direction === 'drop' ? -1 : 1
  const ofChange = change
    ? [change.furthestZ.toFixed(2), fromMicro(sign * change.size).toFixed(3), formatTimestamp(change.firstMs)]
    : ['', '', '']
  return row(
    formatTimestamp(openedMs),
    siteId ?? '',
    className,
    direction ?? '',
    kind,
    severityColumn(message),
    ...ofChange,
    state,
    closedMs === null ? '' : formatTimestamp(closedMs),
    isJoined ? 'true' : 'false',
    sites.join(' '),
    cause ?? '',
  )
}

function text(rows: readonly string[]): string {
  return `${rows.join('\n')}\n`
}

function row(...cells: string[]): string {
  return cells.map(csvCell).join(',')
}
