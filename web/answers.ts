import type { IncidentRow } from '../functions/serving/incident-schemas.ts'
import type {
  AnomalyRow,
  BatchStatisticsRow,
  ClassStatsRow,
  Health,
  QuarantineRow,
  WindowRow,
} from '../functions/serving/schemas.ts'

/** The API's answers as the page holds them. Times are epoch ms; the API gives them as ISO 8601. */

/** Statistics of one class in one window. */
export type WindowStats = Omit<WindowRow, 'window_start' | 'window_end'> & { startMs: number; endMs: number }

/** An unusual image. The API calls it an anomaly. */
export type UnusualImage = Omit<AnomalyRow, 'timestamp'> & {
  /** Event time: when the image was taken. */
  timeMs: number
}

/** Record or line that was refused. */
export type Refused = Omit<QuarantineRow, 'arrived_at'> & { arrivedMs: number }

/** Change at a site, or at many sites of a class, that lasted. */
export type Incident = Omit<IncidentRow, 'first_at' | 'opened_at' | 'closed_at'> & {
  firstMs: number
  openedMs: number
  /** Null while it is open. */
  closedMs: number | null
}

/** Progress of the speed layer on one lane. */
export type LaneHealth = Omit<Health['speed']['lanes'][number], 'last_event_at' | 'last_arrival_at'> & {
  lastEventMs: number | null
  lastArrivalMs: number | null
}

/** State of the batch view. */
export type BatchHealth = Pick<Health['batch'], 'revision' | 'images'> & {
  cutMs: number | null
  publishedMs: number | null
}

/** The part of the system's health that the page shows. */
export type SystemHealth = Pick<Health, 'status' | 'reasons' | 'quarantine' | 'decisions'> & {
  checkedMs: number
  /** Time of the newest image, where images come hours or days after they were taken; null for other sources. */
  latestImageMs: number | null
  speed: { lanes: LaneHealth[]; lag_ms: number | null }
  batch: BatchHealth
}

/** Unusual images, newest first, and the URL of the next page; null where there is none. */
export type UnusualImagePage = { rows: UnusualImage[]; next: string | null }

/** Everything that the page asks the API for. */
export type Answers = {
  /** The newest windows. */
  windows: WindowStats[]
  /** Windows of the chosen range. */
  series: WindowStats[]
  unusualImages: UnusualImagePage
  /** Statistics of all history: batch view and speed layer together. */
  joined: ClassStatsRow[]
  /** Statistics of the batch view alone. */
  batch: ClassStatsRow[]
  statistics: BatchStatisticsRow[]
  /** Incidents, newest first. */
  incidents: Incident[]
  /** Refused events, newest first. */
  refused: Refused[]
  health: SystemHealth
}
/** Name of an answer: one for each request of a round. */
export type AnswerName = keyof Answers

/**
 * Reads a response body and parses its times. The check is shallow: the API keeps to its schemas, but a proxy between
 * it and the page can respond in its place.
 *
 * @param next URL of the next page; only unusual images have one
 * @throws TypeError for a body that is not an answer of the API
 */
export function readAnswer<Name extends AnswerName>(name: Name, body: unknown, next: string | null): Answers[Name] {
  return read(name, body, next) as Answers[Name]
}

function read(name: AnswerName, body: unknown, next: string | null): Answers[AnswerName] {
  if (name === 'health' && isHealth(body)) return readHealth(body)
  if (name === 'health' || !Array.isArray(body)) throw new TypeError('not an answer of the API')
  if (name === 'unusualImages') return { rows: body.map(readUnusualImage), next }
  if (name === 'refused') return body.map(readRefused)
  if (name === 'incidents') return body.map(readIncident)
  return name === 'windows' || name === 'series' ? body.map(readWindow) : body
}

function isHealth(body: unknown): body is Health {
  const { status, checked_at } = (body ?? {}) as Record<string, unknown>
  return typeof status === 'string' && Number.isFinite(Date.parse(String(checked_at)))
}

/** Parses the times of a window. */
export function readWindow({ window_start, window_end, ...row }: WindowRow): WindowStats {
  return { ...row, startMs: Date.parse(window_start), endMs: Date.parse(window_end) }
}

/** Parses the time of an unusual image. */
export function readUnusualImage({ timestamp, ...row }: AnomalyRow): UnusualImage {
  return { ...row, timeMs: Date.parse(timestamp) }
}

/** Parses the time of a refused record. */
export function readRefused({ arrived_at, ...row }: QuarantineRow): Refused {
  return { ...row, arrivedMs: Date.parse(arrived_at) }
}

/** Parses the times of an incident. */
export function readIncident({ first_at, opened_at, closed_at, ...row }: IncidentRow): Incident {
  return { ...row, firstMs: Date.parse(first_at), openedMs: Date.parse(opened_at), closedMs: parseTime(closed_at) }
}

/** Parses the times of a health answer, and drops the fields that the page does not show. */
export function readHealth({
  status,
  reasons,
  quarantine,
  decisions = null,
  checked_at,
  latest_image_at,
  speed,
  batch,
}: Health): SystemHealth {
  return {
    status,
    reasons,
    quarantine,
    decisions,
    checkedMs: Date.parse(checked_at),
    // An API from before this page does not have it.
    latestImageMs: parseTime(latest_image_at ?? null),
    speed: {
      lag_ms: speed.lag_ms,
      lanes: speed.lanes.map(({ last_event_at, last_arrival_at, ...lane }) => ({
        ...lane,
        lastEventMs: parseTime(last_event_at),
        lastArrivalMs: parseTime(last_arrival_at),
      })),
    },
    batch: {
      revision: batch.revision,
      images: batch.images,
      cutMs: parseTime(batch.cut),
      publishedMs: parseTime(batch.published_at),
    },
  }
}

const parseTime = (time: string | null) => (time === null ? null : Date.parse(time))
