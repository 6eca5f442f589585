import { describe, expect, it } from 'vitest'
import { csv, HEADER, ROW, read } from '../support/read-files.ts'

const ID = { constants: { image_id: '{file}_{date}' } }
const EVENT = { image_id: 'a', class_name: 'Forest', timestamp: '2024-06-11T08:00:00Z', ndvi_mean: 0.42 }
const FOREST = 'Forest 2024-06-11T08:00 0.42'

describe('a wide table reads the columns of NDVI only', () => {
  it.each([
    [
      'means beside standard deviations',
      '20240611_mean,20240611_stdDev,20240621_mean,20240621_stdDev',
      '0.4,0.1,0.5,0.2',
    ],
    ['NDVI beside EVI', 'EVI_20240611,NDVI_20240611,EVI_20240621,NDVI_20240621', '0.1,0.4,0.2,0.5'],
    ['NDVI of tiles', 'S2_T32UQD_20240611_NDVI,S2_T32UQC_20240621_NDVI', '0.4,0.5'],
    ['dates beside counts', '2024-06-11,2024-06-21,count_2024-06-11', '0.4,0.5,100'],
    ['dates alone beside others', '2024-06-11,NDVI_2024-06-21', '0.4,0.5'],
    ['days of the year', 'MOD13Q1_NDVI_doy2024163,MOD13Q1_NDVI_doy2024173', '0.4,0.5'],
    ['medians of NDVI alone', '20240611_NDVI_median,20240621_NDVI_median', '0.4,0.5'],
  ])('%s', async (_, header, cells) => {
    const { events, errors } = await read({ 'a.csv': csv(`class_name,${header}`, `Forest,${cells}`) }, ID)
    expect(errors).toEqual([])
    expect(events).toEqual(['Forest 2024-06-11T00:00 0.4', 'Forest 2024-06-21T00:00 0.5'])
  })

  it('a column with only a date is not used when a column of NDVI has the same date', async () => {
    const { events } = await read({ 'a.csv': csv('class_name,2024-06-11,NDVI_2024-06-11', 'Forest,0.1,0.4') }, ID)
    expect(events).toEqual(['Forest 2024-06-11T00:00 0.4'])
  })

  it('a single date is enough when its header says NDVI', async () => {
    const { events } = await read({ 'a.csv': csv('class_name,NDVI_20240611,EVI_20240611', 'Forest,0.4,0.1') }, ID)
    expect(events).toEqual(['Forest 2024-06-11T00:00 0.4'])
  })

  it.each([
    'EVI_20240611,EVI_20240621',
    '20240611_B4,20240611_B8',
    '20240611_p10,20240611_p90',
    '20240611_stdDev,20240621_stdDev',
    'left_20240611,right_20240611',
  ])('and is refused when no column, or more than one, may be NDVI: %s', async header => {
    const { events, errors } = await read({ 'a.csv': csv(`class_name,${header}`, 'Forest,0.1,0.2') }, ID)
    expect(events).toEqual([])
    expect(errors).toEqual([expect.stringContaining('may hold NDVI or not: name those of NDVI as NDVI_2024-06-11')])
  })

  it('names the flag for the time format when dates in headers can be read in two ways', async () => {
    const { errors } = await read({ 'a.csv': csv('class_name,01.06.2024,11.06.2024', 'Forest,0.1,0.2') }, ID)
    expect(errors).toEqual([expect.stringContaining('of the header "01.06.2024" --time-format DD.MM.YYYY')])
  })
})

describe('JSON as programs write it', () => {
  it.each<[string, unknown]>([
    ['a list two objects deep', { data: { items: [EVENT] }, count: 1 }],
    ['a single feature', { type: 'Feature', geometry: { type: 'Point', coordinates: [1, 2] }, properties: EVENT }],
    ['fields of objects within', [{ ...EVENT, ndvi_mean: undefined, stats: { ndvi: { mean: 0.42, count: 9 } } }]],
    ['properties without a type', [{ properties: EVENT }]],
    ['dates of MongoDB', [{ ...EVENT, timestamp: { $date: { $numberLong: '1718092800000' } } }]],
    ['rows below headers', [Object.keys(EVENT), Object.values(EVENT)]],
  ])('%s', async (_, document) => {
    const { events, errors, problems } = await read({ 'a.json': JSON.stringify(document) })
    expect({ errors, problems }).toEqual({ errors: [], problems: [] })
    expect(events).toEqual([FOREST])
  })

  it('entries that are not objects are refused, not skipped', async () => {
    const { events, problems } = await read({ 'a.json': JSON.stringify([EVENT, null, 3]) })
    expect(events).toEqual([FOREST])
    expect(problems).toMatchObject([{ row: 2 }, { row: 3, message: expect.stringContaining('is not a JSON object') }])
  })

  it('answers for several areas are separate images', async () => {
    const of = (identifier: string, mean: number) => ({
      identifier,
      response: {
        data: [
          {
            interval: { from: '2024-06-11T00:00:00Z', to: '2024-06-12T00:00:00Z' },
            outputs: { ndvi: { bands: { B0: { stats: { mean, min: 0, max: 1, stDev: 0.1 } } } } },
          },
        ],
      },
    })
    const mapping = { constants: { class_name: 'Forest' } }
    const { ids, events } = await read({ 'a.json': JSON.stringify([of('n', 0.4), of('s', 0.5)]) }, mapping)
    expect(ids).toEqual(['n_2024-06-11', 's_2024-06-11'])
    expect(events).toEqual(['Forest 2024-06-11T00:00 0.4', 'Forest 2024-06-11T00:00 0.5'])
  })

  it('values by date', async () => {
    const mapping = { constants: { class_name: 'Forest', image_id: '{date}' } }
    const { events } = await read({ 'a.json': '{"2024-06-11":{"ndvi":0.4},"2024-06-21":{"ndvi":0.5}}' }, mapping)
    expect(events).toEqual(['Forest 2024-06-11T00:00 0.4', 'Forest 2024-06-21T00:00 0.5'])
  })
})

describe('ids that a preset composes', () => {
  it('are numbered when a chart has several images of a day, and stay the same when it has grown', async () => {
    const chart = csv('system:time_start,NDVI', '"Jan 4, 2023",0.153', '"Jan 4, 2023",0.154', '"Jan 7, 2023",0.233')
    const mapping = { constants: { class_name: 'Forest' } }
    const { ids } = await read({ 'chart.csv': chart }, mapping)
    expect(ids).toEqual(['chart_2023-01-04', 'chart_2023-01-04_2', 'chart_2023-01-07'])
    expect((await read({ 'chart.csv': `${chart}"Jan 9, 2023",0.2\n` }, mapping)).ids.slice(0, 3)).toEqual(ids)
  })

  it('are not numbered when the file or a flag gives the id', async () => {
    expect((await read({ 'a.csv': csv(HEADER, ROW, ROW) })).ids).toEqual(['a', 'a'])
    const asked = { constants: { class_name: 'Forest', image_id: 'x' } }
    const chart = csv('system:time_start,NDVI', '"Jan 4, 2023",0.1', '"Jan 4, 2023",0.2')
    expect((await read({ 'a.csv': chart }, asked)).ids).toEqual(['x', 'x'])
  })
})
