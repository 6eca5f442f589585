import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { generateSites, looksCsv, type SiteLook } from '../../data/sites.ts'
import { alertMessages } from '../../functions/core/incidents/messages.ts'
import { DETECTION } from '../../functions/core/looks/detection.ts'
import { judgeHistory } from '../../functions/core/looks/judge.ts'
import { DAY_MS } from '../../functions/core/time.ts'
import { measure } from '../../functions/evaluation/measures.ts'
import { readLabels } from '../../functions/evaluation/read-labels.ts'
import { readLooks } from '../../functions/evaluation/read-looks.ts'
import { writeEvaluation } from '../../functions/evaluation/write.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const FROM_MS = Date.UTC(2020, 0, 1)
const YEARS_3 = 1_096
/** Sites 2 and 5 are cut on these days of the series. */
const CUTS = new Map([
  [2, 800],
  [5, 900],
])
const LABELS = `site_id,kind,direction,start,known_by,end,source
site_2,clear-cut,drop,2022-03-11,2022-03-15,2022-12-31,generated
site_5,clear-cut,drop,2022-06-19,2022-06-25,2022-12-31,generated
${[0, 1, 3, 4, 6, 7].map(site => `site_${site},stable,,,,,`).join('\n')}
`
const PERIOD = { fromMs: 0, untilMs: Date.UTC(2100), direction: 'drop', isQuietBefore: true } as const
const READING = { mapping: {}, now: () => Date.UTC(2026, 0, 1), truthIsMask: false, report: { note() {}, warn() {} } }

function write(name: string, text: string): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, text)
  return path
}

async function read(csv: string, truthIsMask = false) {
  const problems: string[] = []
  const onProblem = (problem: string) => void problems.push(problem)
  const looks = await readLooks(write('looks.csv', csv), { ...READING, truthIsMask, onProblem })
  return { looks, problems }
}

async function evaluate(looks: readonly SiteLook[], truthIsMask = false) {
  const { looks: found } = await read(looksCsv(looks, 'Forest'), truthIsMask)
  const labels = await readLabels(write('labels.csv', LABELS))
  const { judged, histories } = judgeHistory(
    found.map(({ look }) => look),
    30,
    DETECTION,
  )
  const messages = alertMessages(histories('drop'), 'drop')
  return { judged, messages, measures: measure(found, judged, messages, labels, PERIOD) }
}

const SERIES = generateSites({ seed: 1, sites: 8, days: YEARS_3, fromMs: FROM_MS, cuts: CUTS })

describe('a series of generated forests', () => {
  it('has its clear-cuts found within weeks, no false alert, and its clouds recognised', async () => {
    const { measures, messages } = await evaluate(SERIES)
    expect(measures).toMatchObject({ events: 2, found: 2, falseAlerts: 0, chance: 0, clearLostInEvents: 0 })
    expect(measures.cloudRecognised).toBeGreaterThan(0.95)
    expect(measures.delayDays).toBeLessThan(60)
    expect(messages.map(({ siteId }) => siteId)).toEqual(['site_2', 'site_5'])
    expect(messages[0]?.change).toMatchObject({ state: 'confirmed' })
    expect(Math.abs((messages[0]?.change?.size as number) - 300_000)).toBeLessThan(60_000)
  })

  it('has the same alerts with the mask of its producer, which recognises all clouds', async () => {
    const { measures } = await evaluate(SERIES, true)
    expect(measures).toMatchObject({ found: 2, falseAlerts: 0, cloudRecognised: 1, clearLost: 0 })
  })

  it('counts an alert without an event, or before one, as false', async () => {
    const uncut = generateSites({
      seed: 1,
      sites: 8,
      days: YEARS_3,
      fromMs: FROM_MS,
      cuts: new Map([
        [3, 700],
        [2, 600],
      ]),
    })
    const { measures } = await evaluate(uncut)
    expect(measures).toMatchObject({ found: 0, falseAlerts: 2 })
    expect(measures.falsePer100Clear.value).toBeGreaterThan(0)
  })

  it('gives no alert while its sites learn', async () => {
    const early = generateSites({ seed: 1, sites: 8, days: YEARS_3, fromMs: FROM_MS, cuts: new Map([[2, 200]]) })
    const { judged } = await evaluate(early)
    const first = judged.find(({ z }) => z !== null)
    expect(((first?.look.eventMs as number) - FROM_MS) / DAY_MS).toBeGreaterThanOrEqual(330)
  })

  it('is judged by earlier looks only: later looks do not change earlier results', async () => {
    const whole = await evaluate(SERIES)
    const part = SERIES.filter(({ timestampMs }) => timestampMs < FROM_MS + 850 * DAY_MS)
    const { judged } = await evaluate(part)
    expect(judged).toEqual(whole.judged.slice(0, part.length))
  })

  it('keeps looks of the last 60 days, and of an open incident, out of the baseline', async () => {
    const { judged } = await evaluate(SERIES)
    const cut = judged.filter(
      ({ look, z }) => look.siteId === 'site_2' && z !== null && look.eventMs >= FROM_MS + 800 * DAY_MS,
    )
    expect(cut.length).toBeGreaterThan(20)
    expect(Math.max(...cut.map(({ z }) => z as number))).toBeLessThan(-4)
  })

  it('is written with a row for each incident and each look', async () => {
    const { judged, messages } = await evaluate(SERIES)
    const folder = temporaryFolder()
    await writeEvaluation(folder, messages, judged)
    const [header, first] = (await readFile(join(folder, 'alerts.csv'), 'utf8')).split('\n')
    expect(header).toMatch(/^opened_at,site_id,class_name,direction,kind,severity,/)
    expect(first).toMatch(/^2022-0\d-\d\dT00:00:00\.000Z,site_2,Forest,drop,site-change,error,-/)
    const verdicts = (await readFile(join(folder, 'verdicts.csv'), 'utf8')).trimEnd().split('\n')
    expect(verdicts.length).toBe(SERIES.length + 1)
  })
})

describe('files of an evaluation', () => {
  it('give each look the site, mask and truth of its row, even when other rows are refused', async () => {
    const csv =
      'image_id,class_name,site_id,timestamp,ndvi_mean,cloud_fraction,truth_quality\na,F,s1,never,0.5,0,clear\nb,F,s2,2020-01-01,0.5,0.25,cloud\nc,F,,2020-01-02,0.5,,\n'
    const { looks, problems } = await read(csv)
    expect(problems).toHaveLength(1)
    expect(looks).toMatchObject([
      { look: { siteId: 's2', cloudFraction: 250_000 }, quality: 'cloud' },
      { look: { siteId: null, cloudFraction: null }, quality: 'unknown' },
    ])
  })

  it('are refused with a truth that is not a known one', async () => {
    const csv = 'image_id,class_name,site_id,timestamp,ndvi_mean,truth_quality\na,F,s,2020-01-01,0.5,fog\n'
    await expect(read(csv)).rejects.toThrow(/row 2, column truth_quality: must be one of clear, .*not 'fog'/)
  })

  it('have cells of 0.001 degrees as sites where only places are known', async () => {
    const place = (lon: string) => `x,F,2020-01-01,0.5,${lon},-3.1`
    const csv = `image_id,class_name,timestamp,ndvi_mean,lon,lat\n${['9.0011', '9.0019', '9.0021'].map(place).join('\n')}\n`
    const { looks } = await read(csv)
    expect(looks.map(({ look }) => look.siteId)).toEqual(['9001:-3100', '9001:-3100', '9002:-3100'])
  })

  it.each([
    ['site_id,kind\ns,stable\n', /no column direction, start, known_by, end/],
    [`${LABELS}x,fire,down,2020-01-01,2020-01-01,2020-02-01,y\n`, /row 10, column direction: must be drop or rise/],
    [`${LABELS}x,fire,drop,soon,2020-01-01,2020-02-01,y\n`, /row 10, column start: must be a day/],
    [`${LABELS}x,fire,drop,2020-03-01,2020-01-01,2020-02-01,y\n`, /row 10, column end: 2020-02-01 lies before/],
  ])('of labels are refused: %#', async (text, message) => {
    await expect(readLabels(write('labels.csv', text))).rejects.toThrow(message)
  })
})
