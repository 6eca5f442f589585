import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { generateSeries, labelsCsv, SERIES_KINDS, type Series, seriesCsv } from '../../data/series.ts'
import { alertMessages } from '../../functions/core/incidents/messages.ts'
import { DETECTION } from '../../functions/core/looks/detection.ts'
import { judgeHistory } from '../../functions/core/looks/judge.ts'
import { measure } from '../../functions/evaluation/measures.ts'
import { readLabels } from '../../functions/evaluation/read-labels.ts'
import { readLooks } from '../../functions/evaluation/read-looks.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const READING = {
  mapping: {},
  now: () => Date.UTC(2030, 0, 1),
  truthIsMask: false,
  report: { note() {}, warn() {} },
  onProblem: (problem: string) => expect.fail(problem),
}

async function evaluate(series: Series, direction: 'drop' | 'rise' = 'drop', withSites = true) {
  const folder = temporaryFolder()
  const [looksPath, labelsPath] = [join(folder, 'looks.csv'), join(folder, 'labels.csv')]
  writeFileSync(looksPath, seriesCsv(series))
  writeFileSync(labelsPath, labelsCsv(series))
  const read = await readLooks(looksPath, READING)
  const looks = withSites ? read : read.map(each => ({ ...each, look: { ...each.look, siteId: null } }))
  const { judged, histories, classes } = judgeHistory(
    looks.map(({ look }) => look),
    30,
    DETECTION,
  )
  const messages = alertMessages(histories(direction), direction, classes)
  const period = { fromMs: 0, untilMs: READING.now(), direction, isQuietBefore: true }
  const measures = measure(looks, judged, messages, await readLabels(labelsPath), period)
  const learned = judged.find(({ z }) => z !== null)?.look.eventMs as number
  return { measures, messages, learnedDay: (learned - Date.UTC(2016, 0, 1)) / 86_400_000 }
}

const of = (kind: string) => evaluate(generateSeries(kind, 1), kind === 'bloom' ? 'rise' : 'drop')
const ofClass = (messages: Awaited<ReturnType<typeof evaluate>>['messages']) =>
  messages.filter(({ siteId }) => siteId === null)

describe('a generated series', () => {
  it.each([
    ['clear-cut', 6],
    ['fire', 6],
    ['beetle', 6],
    ['flood', 6],
    ['bloom', 6],
    ['cloudy', 6],
    ['sparse', 2],
    ['gap', 6],
    ['single', 1],
  ])('of the kind %s has all of its %i events found, and no false alert', async (kind, events) => {
    const { measures, messages } = await of(kind)
    expect(measures).toMatchObject({ events, found: events, falseAlerts: 0 })
    expect(ofClass(messages)).toEqual([])
  })

  it.each(['harvest', 'double-harvest'])('of the kind %s has almost no alert: harvests are normal', async kind => {
    const { measures } = await of(kind)
    // 30 sites in five years.
    expect(measures.falseAlerts).toBeLessThanOrEqual(1)
  })

  it('of a drought has one incident of the class, caused by the land, with nearly all sites', async () => {
    const { measures, messages } = await of('drought')
    expect(measures).toMatchObject({ found: 30, falseAlerts: 0 })
    expect(ofClass(messages)).toMatchObject([{ kind: 'many-sites', cause: 'land' }])
    expect(messages.filter(({ isJoined }) => isJoined).length).toBeGreaterThanOrEqual(25)
    expect(messages.every(({ change }) => change === null || change.state === 'recovered')).toBe(true)
  })

  it('of a shift by the producer has one incident that says so, and almost no alert of a single site', async () => {
    const { measures, messages } = await of('shift')
    expect(ofClass(messages)).toMatchObject([{ kind: 'many-sites', cause: 'producer' }])
    expect(ofClass(messages)[0]?.sites.length).toBe(30)
    // Those that opened before the fifth did were told.
    expect(measures.falseAlerts).toBeLessThanOrEqual(4)
  })

  it('of a shift of unmasked images, which then look like clouds, has an incident of its class and no other', async () => {
    const { measures, messages } = await of('shift-unmasked')
    expect(measures.falseAlerts).toBe(0)
    const [first] = messages
    expect(first).toMatchObject({ kind: 'no-clear-look', siteId: null, direction: null, state: 'accepted' })
    const days = ((first?.openedMs as number) - Date.UTC(2016, 0, 1)) / 86_400_000 - 1_230
    expect(days).toBeGreaterThan(25)
    expect(days).toBeLessThan(34)
  })

  it.each([
    ['drought', 1],
    ['clear-cut', 0],
    ['harvest', 0],
    ['double-harvest', 0],
    ['gap', 0],
  ])('of the kind %s without sites has %i incidents of its class', async (kind, incidents) => {
    const { messages } = await evaluate(generateSeries(kind, 1), 'drop', false)
    expect(messages).toMatchObject(
      Array(incidents).fill({ kind: 'many-sites', siteId: null, cause: null, sites: [], state: 'recovered' }),
    )
  })

  it('of one site with a clear look a month is judged after two years', async () => {
    expect((await of('single')).learnedDay).toBeLessThan(800)
  })

  it('is always the same, and an unknown kind is refused', () => {
    expect(SERIES_KINDS).toContain('beetle')
    expect(seriesCsv(generateSeries('fire', 3))).toBe(seriesCsv(generateSeries('fire', 3)))
    expect(() => generateSeries('comet', 1)).toThrow(/no kind of series is called comet: there are clear-cut, /)
  })
})
