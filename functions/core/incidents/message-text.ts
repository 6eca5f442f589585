import type { Incident } from './incident.ts'
import type { DueMessage, MessageKind } from './message-due.ts'

const WORDS: Record<MessageKind, string> = {
  opened: 'New',
  changed: 'Changed',
  ended: 'Over',
  withdrawn: 'Taken back',
  acknowledged: 'Acknowledged',
  reminder: 'Still open',
}

/** One line that says what it is about, for people. */
export function titleOf({ kind, incident }: DueMessage): string {
  return `${WORDS[kind]}: ${subjectOf(incident)}`
}

/** Sentences for people: what was seen, since when, and what the message changes. */
export function sentencesOf({ kind, incident, acknowledgedBy }: DueMessage): string[] {
  const taken = acknowledgedBy === undefined ? [] : [`${acknowledgedBy} has acknowledged it.`]
  return [seenOf(incident), ...periodOf(incident), ...causeSentence(incident), ...SENTENCES[kind](incident), ...taken]
}

/** One line about many messages: how many of which kind. */
export function countsOf(messages: readonly DueMessage[]): string {
  const kinds = Map.groupBy(messages, ({ kind }) => kind)
  const parts = (Object.keys(WORDS) as MessageKind[]).flatMap(kind => {
    const count = kinds.get(kind)?.length ?? 0
    return count === 0 ? [] : [`${count} ${WORDS[kind].toLowerCase()}`]
  })
  return parts.join(', ')
}

function subjectOf({ kind, class_name, site_id, sites, ndvi_change, severity }: Incident): string {
  if (kind === 'no-clear-look') return `${class_name} has hardly any clear image`
  if (kind === 'many-sites') return sites > 0 ? `${sites} sites of ${class_name} changed` : `${class_name} changed`
  const change = ndvi_change === null ? '' : `, NDVI ${signed(ndvi_change)}`
  return `site ${site_id} (${class_name}) changed${change} [${severity}]`
}

function seenOf({ kind, class_name, site_id, sites, ndvi_change, score, lat, lon }: Incident): string {
  if (kind === 'no-clear-look') return `In 32 days, images of ${class_name} showed hardly any land without clouds.`
  if (kind === 'many-sites') {
    const of = sites > 0 ? `${sites} sites of ${class_name}` : `The images of ${class_name}`
    return `${of} became unusual at about the same time.`
  }
  const place = lat === null || lon === null ? '' : ` at ${lat}, ${lon}`
  const size = ndvi_change === null ? 'far' : `${Math.abs(ndvi_change).toFixed(2)}`
  const side = ndvi_change !== null && ndvi_change > 0 ? 'above' : 'below'
  const furthest = score === null ? '' : ` The furthest image is ${Math.abs(score)} standard deviations away.`
  return `NDVI of site ${site_id}${place} is ${size} ${side} normal for the season.${furthest}`
}

function periodOf({ first_at, opened_at, closed_at }: Incident): string[] {
  const since = `The first unusual image is of ${dayOf(first_at)}; it counts as a change since ${dayOf(opened_at)}.`
  return closed_at === null ? [since] : [since, `It ended on ${dayOf(closed_at)}.`]
}

function causeSentence({ cause }: Incident): string[] {
  if (cause === 'producer')
    return ['Red and near infrared changed alike: probably how the images are made has changed.']
  return cause === 'land' ? ['The bands changed as they do when the land changes.'] : []
}

const SENTENCES: Record<MessageKind, (incident: Incident) => string[]> = {
  opened: () => [],
  changed: ({ closed_at, severity }) => [
    closed_at === null
      ? `Later images have changed this incident: it is open, with severity ${severity}.`
      : 'Later images have changed this incident.',
  ],
  ended: ({ state }) => [state === 'accepted' ? 'After a year this is the new normal.' : 'It is normal again.'],
  withdrawn: () => ['With the images that are known now, this is not an incident: some came late, or were removed.'],
  acknowledged: () => [],
  reminder: () => ['Nobody has acknowledged it for a week.'],
}

function dayOf(time: string): string {
  return time.slice(0, 10)
}

function signed(change: number): string {
  return `${change < 0 ? '-' : '+'}${Math.abs(change).toFixed(2)}`
}
