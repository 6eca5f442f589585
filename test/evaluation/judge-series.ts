import { generateSeries, type Series } from '../../data/series.ts'
import { joinedOf, manySites } from '../../functions/core/incidents/many-sites.ts'
import { alertMessages } from '../../functions/core/incidents/messages.ts'
import { DETECTION } from '../../functions/core/looks/detection.ts'
import { judgeHistory } from '../../functions/core/looks/judge.ts'
import { compareLooks, type Look } from '../../functions/core/looks/look.ts'
import { DAY_MS } from '../../functions/core/time.ts'

/**
 * Judges generated series in all ways that a planted bug of the rules may change, and compares with their truth. Says
 * what differs, and ends with 1 then. test/evaluation/planted.test.ts runs it.
 */

function looksOf({ looks }: Series): Look[] {
  return looks
    .map(({ imageId, className, siteId, timestampMs, ndvi, cloudFraction, ...bands }) => ({
      ...{ imageId, className, siteId, eventMs: timestampMs, ndvi: Math.round(ndvi * 1e6), validFraction: null },
      ...{ blue: bands.blue * 1_000, red: bands.red * 1_000, nir: bands.nir * 1_000 },
      cloudFraction: cloudFraction === null ? null : cloudFraction * 1e6,
    }))
    .sort(compareLooks)
}

function judge(looks: readonly Look[]) {
  const { judged, histories, classes } = judgeHistory(looks, 30, DETECTION)
  const messages = alertMessages(histories('drop'), 'drop', classes)
  return { judged, messages, ofClass: messages.filter(({ siteId }) => siteId === null) }
}

const drought = judge(looksOf(generateSeries('drought', 1)))
const shift = judge(looksOf(generateSeries('shift', 1)))
const harvest = judge(looksOf(generateSeries('harvest', 1)))
const cloudy = generateSeries('cloudy', 3)
const foundOfCloudy = judge(looksOf(cloudy)).messages
const singleLooks = looksOf(generateSeries('single', 1))
const single = judge(singleLooks)
const singleTwice = judge(singleLooks.flatMap(look => [look, { ...look, imageId: `${look.imageId} again` }]))
const learnedMs = single.judged.find(({ z }) => z !== null)?.look.eventMs ?? Number.POSITIVE_INFINITY
const openings = [0, 1, 2, 3, 4, 34, 64, 94].map((day, site) => ({
  siteId: `s${site}`,
  openedMs: day * DAY_MS,
  bands: null,
}))
const together = manySites(openings, () => 10)

const CHECKS: Record<string, boolean> = {
  'a drought has one incident of the class, and the land as its cause':
    drought.ofClass.length === 1 && drought.ofClass[0]?.cause === 'land',
  'a shift has one incident of the class, and the producer as its cause':
    shift.ofClass.length === 1 && shift.ofClass[0]?.cause === 'producer',
  'a shift is told once: at most four sites open before the fifth': shift.messages.length <= 5,
  'harvests are normal': harvest.messages.length === 0,
  'all events under many clouds are found': cloudy.events.every(({ siteId }) =>
    foundOfCloudy.some(each => each.siteId === siteId),
  ),
  'one site with a clear look a month is judged after two years':
    learnedMs - (singleLooks[0]?.eventMs as number) < 800 * DAY_MS,
  'an image that two records hold is one look':
    JSON.stringify(singleTwice.messages) === JSON.stringify(single.messages),
  'single changes do not join an incident of many sites without end':
    joinedOf({ openedMs: 64 * DAY_MS }, together) === undefined,
}
for (const [law, holds] of Object.entries(CHECKS)) {
  if (holds) continue
  process.stdout.write(`differ: ${law}\n`)
  process.exitCode = 1
}
