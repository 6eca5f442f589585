import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { alertMessages } from '../../functions/core/incidents/messages.ts'
import { DETECTION } from '../../functions/core/looks/detection.ts'
import { judgeHistory } from '../../functions/core/looks/judge.ts'
import { measure } from '../../functions/evaluation/measures.ts'
import { readLabels } from '../../functions/evaluation/read-labels.ts'
import { readLooks } from '../../functions/evaluation/read-looks.ts'

/** Real series with labels, which are not part of the project: `LANDCOVER_CASES` names the folder above `alerts`. */
const FOLDER = join(process.env.LANDCOVER_CASES ?? '', 'alerts')
const REPORT = { note() {}, warn() {} }

async function evaluate(name: string, { isMasked = false, withBands = true } = {}) {
  const path = join(FOLDER, `${name}.csv`)
  const reading = {
    mapping: {},
    now: Date.now,
    truthIsMask: isMasked,
    report: REPORT,
    onProblem: (problem: string) => expect.fail(problem),
  }
  const looks = (await readLooks(path, reading)).map(read =>
    withBands ? read : { ...read, look: { ...read.look, blue: null } },
  )
  const { judged, histories } = judgeHistory(
    looks.map(({ look }) => look),
    30,
    DETECTION,
  )
  const isLong = name === 'amazon_modis'
  const period = {
    direction: 'drop',
    isQuietBefore: !isLong,
    fromMs: isLong ? Date.UTC(2006, 0, 1) : 0,
    untilMs: isLong ? Date.UTC(2016, 0, 1) : Number.POSITIVE_INFINITY,
  } as const
  return measure(
    looks,
    judged,
    alertMessages(histories('drop'), 'drop'),
    await readLabels(join(FOLDER, `${name}.labels.csv`)),
    period,
  )
}

describe.skipIf(!existsSync(join(FOLDER, 'amazon_modis.csv')))('real series', () => {
  it('of clearings: most are found, few alerts are false', async () => {
    const measures = await evaluate('amazon_modis')
    expect(measures.found).toBeGreaterThanOrEqual(55)
    expect(measures.chance).toBeLessThanOrEqual(0.1)
    expect(measures.falsePer100Clear.value).toBeLessThanOrEqual(0.8)
    expect(measures.falsePerSiteYear).toBeLessThanOrEqual(0.06)
    expect(measures.openedPer100Cloudy).toBeLessThanOrEqual(0.2)
    expect(measures.delayDays).toBeLessThanOrEqual(30)
    expect(measures.cloudRecognised).toBeGreaterThanOrEqual(0.85)
    expect(measures.clearLost).toBeLessThanOrEqual(0.02)
    expect(measures.clearLostInEvents).toBeLessThanOrEqual(0.05)
  })

  it.each([
    ["the producer's mask", 53, { isMasked: true }],
    ['NDVI alone', 45, { withBands: false }],
  ])('of clearings, with %s: at least %i are found', async (_, least, options) => {
    const { found, falsePer100Clear } = await evaluate('amazon_modis', options)
    expect(found).toBeGreaterThanOrEqual(least)
    expect(falsePer100Clear.value).toBeLessThanOrEqual(0.8)
  })

  it('of logging and of moths: both are found, with one false alert at most', async () => {
    const [logging, moth] = [await evaluate('logging_hls'), await evaluate('moth_landsat')]
    expect([logging.found, moth.found]).toEqual([1, 1])
    expect(logging.falseAlerts + moth.falseAlerts).toBeLessThanOrEqual(1)
  })

  it('of places without known changes: at most 3 false alerts in a century', async () => {
    expect((await evaluate('washington_landsat')).falseAlerts).toBeLessThanOrEqual(3)
  })
})
