import { createHash } from 'node:crypto'
import { IMPORT_DAY } from '../archive/imports.ts'
import { fromDegreesE7, fromMicro } from '../core/fixed-point.ts'
import type { Incident } from '../core/incidents/incident.ts'
import { TOGETHER_DAYS } from '../core/incidents/many-sites.ts'
import { type AlertMessage, alertMessages } from '../core/incidents/messages.ts'
import { type SiteChange, severityOf } from '../core/incidents/site-change.ts'
import { DETECTION, RENEWAL_DAYS } from '../core/looks/detection.ts'
import { judgeHistory } from '../core/looks/judge.ts'
import { compareLooks, type Look, lookOf } from '../core/looks/look.ts'
import { DAY_MS, formatTimestamp } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { encodeIncidents, INCIDENTS_PREFIX, type Incidents, incidentsKey, readIncidents } from './incidents-file.ts'
import { encodeNormals, hasNormals, normalsKey, removeNormals, type SiteNormals, siteNormals } from './normals-file.ts'
import { DamagedObjectError, sha256, type View } from './view.ts'
import type { ViewReader } from './view-reader.ts'

/** Number of looks up to which incidents are looked for: they are judged in memory, all at once, about 1 KB a look. */
const MOST_LOOKS = 1_000_000

/**
 * Writes the incidents of the newest view if there are none, and removes older ones. They are a function of the looks that
 * the view counts, in whatever order these arrived: each writer writes the same bytes. A view with the same looks as the
 * one before takes over its incidents.
 */
export async function publishIncidents(objects: ObjectStore, views: ViewReader): Promise<void> {
  const keys = await Array.fromAsync(objects.list(INCIDENTS_PREFIX))
  try {
    const view = await views.current()
    if (!view?.sites || keys.includes(incidentsKey(view.revision))) return
    const before = await readIncidents(objects)
    const looksDigest = sha256(JSON.stringify(Object.values(view.sites).map(part => part.sha256)))
    const isSame = before?.looksDigest === looksDigest && (await hasNormals(objects, looksDigest))
    const { normals, ...found } = isSame ? { ...before, normals: null } : await judgedOf(views, view.sites)
    // Written first: a reader of the incidents then finds the normal values.
    if (normals) await objects.put(normalsKey(looksDigest), encodeNormals(normals))
    const next = encodeIncidents({ ...found, revision: view.revision, looksDigest })
    await objects.putIfAbsent(incidentsKey(view.revision), next)
    await removeNormals(objects, [looksDigest, before?.looksDigest])
  } catch (error) {
    // Answers skip a damaged view, and so do incidents.
    if (!(error instanceof DamagedObjectError)) throw error
    return
  }
  // Readers list before they read: the two newest stay.
  for (const key of keys.slice(0, -1)) await objects.delete(key)
}

type Found = Omit<Incidents, 'format' | 'revision' | 'looksDigest'> & { normals: SiteNormals | null }

async function judgedOf(views: ViewReader, sites: NonNullable<View['sites']>): Promise<Found> {
  const parts = Object.values(sites)
  const count = parts.reduce((sum, { looks }) => sum + looks, 0)
  const none = { looks: count, sites: 0, judgedSites: 0, incidents: [], normals: null }
  if (count > MOST_LOOKS) {
    return { ...none, skipped: `the view has ${count} looks at sites, and at most ${MOST_LOOKS} are judged` }
  }
  const looks = new Map<string, Look>()
  const fromLog = new Set<Look>()
  const places = new Map<string, Place>()
  for (const part of parts) {
    for (const { event, arrivalDay } of await views.looks(part)) {
      const look = lookOf(event)
      // An image in two records is one look.
      const key = JSON.stringify([look.className, look.siteId, look.eventMs, look.imageId])
      const same = looks.get(key) ?? look
      looks.set(key, same)
      if (arrivalDay !== IMPORT_DAY) fromLog.add(same)
      const { lon, lat, eventMs } = event
      const known = places.get(look.siteId as string)
      if (lon !== null && lat !== null && eventMs >= (known?.eventMs ?? 0)) {
        places.set(look.siteId as string, { eventMs, lon: fromDegreesE7(lon), lat: fromDegreesE7(lat) })
      }
    }
  }
  const { judged, histories, classes, normals } = judgeHistory(
    [...looks.values()].sort(compareLooks),
    RENEWAL_DAYS,
    DETECTION,
  )
  const ofSites = histories('drop')
  const messages = alertMessages(ofSites, 'drop', classes)
  return {
    looks: looks.size,
    sites: ofSites.length,
    judgedSites: ofSites.filter(({ judgedFromMs }) => judgedFromMs !== null).length,
    skipped: null,
    incidents: describeIncidents(messages, places, openedByLog(messages, fromLog)),
    normals: siteNormals(normals(), judged, places),
  }
}

/** Incidents that an image of the log opened: of its site or, for one of a class, of the class. */
function openedByLog(messages: readonly AlertMessage[], fromLog: Iterable<Look>): ReadonlySet<AlertMessage> {
  const momentOf = ({ className, siteId }: AlertMessage | Look, ms: number) => JSON.stringify([className, siteId, ms])
  const moments = new Set<string>()
  const opened = new Set(messages.map(({ openedMs }) => openedMs))
  for (const look of fromLog) {
    if (!opened.has(look.eventMs)) continue
    moments.add(momentOf(look, look.eventMs)).add(momentOf({ ...look, siteId: null }, look.eventMs))
  }
  return new Set(messages.filter(message => moments.has(momentOf(message, message.openedMs))))
}

interface Place {
  eventMs: number
  /** Degrees. */
  lon: number
  lat: number
}

type Described = Omit<Incident, 'from_import'>

/** Describes messages as incidents, the newest first. */
function describeIncidents(
  messages: readonly AlertMessage[],
  places: ReadonlyMap<string, Place>,
  ofLog: ReadonlySet<AlertMessage>,
): Incident[] {
  const ofClasses = messages.filter(({ kind }) => kind === 'many-sites')
  const groupOf = ({ siteId, className, openedMs }: AlertMessage) =>
    ofClasses.findLast(
      each =>
        each.className === className &&
        each.sites.includes(siteId as string) &&
        each.openedMs <= openedMs + TOGETHER_DAYS * DAY_MS,
    )
  return messages
    .map(message =>
      message.change
        ? siteIncident(message, message.change, groupOf(message), places.get(message.siteId as string))
        : classIncident(message),
    )
    .map((incident, index) => ({ ...incident, from_import: !ofLog.has(messages[index] as AlertMessage) }))
    .sort((a, b) => Date.parse(b.opened_at) - Date.parse(a.opened_at) || (a.id < b.id ? -1 : 1))
}

function siteIncident(
  message: AlertMessage,
  change: SiteChange,
  group: AlertMessage | undefined,
  place: Place | undefined,
): Described {
  const sign = change.direction === 'drop' ? -1 : 1
  return {
    ...classIncident(message),
    severity: severityOf(change),
    first_at: formatTimestamp(change.firstMs),
    ndvi_change: fromMicro(sign * change.size),
    score: Number(change.furthestZ.toFixed(2)),
    sites: 1,
    part_of: group ? idOf(group) : null,
    lon: place?.lon ?? null,
    lat: place?.lat ?? null,
  }
}

/** Fields of every incident, with those that only a site has empty. */
function classIncident(message: AlertMessage): Described {
  const openedAt = formatTimestamp(message.openedMs)
  return {
    id: idOf(message),
    kind: message.kind,
    cause: message.cause,
    class_name: message.className,
    site_id: message.siteId,
    state: message.state,
    severity: message.kind === 'many-sites' ? 'warning' : 'info',
    first_at: openedAt,
    opened_at: openedAt,
    closed_at: message.closedMs === null ? null : formatTimestamp(message.closedMs),
    ndvi_change: null,
    score: null,
    sites: message.sites.length,
    part_of: null,
    lon: null,
    lat: null,
  }
}

function idOf({ kind, className, siteId, direction, openedMs }: AlertMessage): string {
  const text = JSON.stringify([kind, className, siteId, direction, openedMs])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
