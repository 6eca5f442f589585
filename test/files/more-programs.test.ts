import { describe, expect, it } from 'vitest'
import type { Mapping } from '../../functions/files/mapping.ts'
import { csv, read } from '../support/read-files.ts'

const FOREST: Mapping = { constants: { class_name: 'Forest' } }
const DAY = 'Forest 2024-06-11T00:00 0.42'

describe('the columns of further programs', () => {
  it.each<[string, string, Mapping, string[]]>([
    ['QGIS', csv('fid,class_name,date,_count,_mean', '1,Forest,2024-06-11,9,0.42'), {}, ['1_2024-06-11']],
    [
      'terra',
      csv('"ID","lyr.1"', '1,0.42'),
      { constants: { class_name: 'Forest', timestamp: '2024-06-11' } },
      ['1_2024-06-11'],
    ],
    [
      'GLAM',
      csv('ORDINAL DATE,START DATE,SAMPLE VALUE,MEAN VALUE', '2024-163,2024-06-11,0.42,0.4'),
      FOREST,
      ['a_2024-06-11'],
    ],
    ['PhenoCam', csv('# Site: x', 'date,image_count,ndvi_mean', '2024-06-11,9,0.42'), FOREST, ['a_2024-06-11']],
    ['NEON', csv('plotID,startDate,ndviMean', 'P1,2024-06-11,0.42'), FOREST, ['P1_2024-06-11']],
    ['the Open Data Cube', csv('time,spatial_ref,NDVI', '2024-06-11,6933,0.42'), FOREST, ['a_2024-06-11']],
    [
      'getRegion',
      csv('id,longitude,latitude,time,NDVI', 'S_1,13.4,52.5,1718064000000,0.42'),
      FOREST,
      ['S_1_13.4_52.5'],
    ],
    ['ORNL', csv('calendar_date,band,value.mean', '2024-06-11,250m_16_days_NDVI,0.42'), FOREST, ['a_2024-06-11']],
    ['exponents', csv('id,millis,NDVI', '1,1.718064E12,0.42'), FOREST, ['1_2024-06-11']],
  ])('%s', async (_, content, mapping, ids) => {
    const result = await read({ 'a.csv': content }, mapping)
    expect({ ...result, places: [], notes: [] }).toMatchObject({ events: [DAY], ids, problems: [], errors: [] })
  })

  it('an id that is composed with an empty cell is refused', async () => {
    const { events, problems } = await read({ 'a.csv': csv('id,date,NDVI', ',2024-06-11,0.42') }, FOREST)
    expect(events).toEqual([])
    expect(problems).toMatchObject([{ message: expect.stringContaining('composed of a cell that is empty') }])
  })
})

describe('a geometry gives the place', () => {
  it.each([
    ['a point', '{"type":"Point","coordinates":[13.4,52.5]}', 13.4, 52.5],
    ['an area', '{"type":"Polygon","coordinates":[[[12,52],[14,52],[14,53],[12,53],[12,52]]]}', 13, 52.5],
  ])('of %s in .geo', async (_, geometry, lon, lat) => {
    const row = `1,2024-06-11,0.42,"${geometry.replaceAll('"', '""')}"`
    const { places } = await read({ 'a.csv': csv('system:index,date,NDVI,.geo', row) }, FOREST)
    expect(places).toMatchObject([{ lon, lat }])
  })
})

describe('NDVI that is not what it seems', () => {
  it.each([
    [
      'rows of EVI among others',
      csv('File Name,Dataset,aid,Date,Mean', 'M_NDVI_1,M.061,1,2024-06-11,0.4', 'M_EVI_1,M.061,1,2024-06-11,0.2'),
      /others "M_EVI_1"/,
    ],
    ['rows of EVI alone', csv('File Name,Dataset,aid,Date,Mean', 'M_EVI_1,M.061,1,2024-06-11,0.2'), /not NDVI/],
    ['an anomaly', csv('image_id,date,anomaly_ndvi', 'a,2024-06-11,0.02'), /no column ndvi_mean/],
    [
      'one of several columns',
      csv('image_id,date,terra_ndvi,aqua_ndvi', 'a,2024-06-11,0.4,0.5'),
      /Several columns may be NDVI: "terra_ndvi", "aqua_ndvi"/,
    ],
  ])('%s is refused', async (_, content, message) => {
    const { events, errors } = await read({ 'a.csv': content }, FOREST)
    expect(events).toEqual([])
    expect(errors).toEqual([expect.stringMatching(message)])
  })

  it('an offset is added after scaling, and a note says where one may be missing', async () => {
    const bytes = csv('id,date,NDVI,ndvi_min,ndvi_std', '1,2024-06-11,125,100,10')
    const result = await read({ 'a.csv': bytes }, { ...FOREST, scale: { ndvi: 0.004 }, offset: { ndvi: -0.08 } })
    expect(result.events).toEqual([DAY])
    const alone = await read({ 'a.csv': bytes }, { ...FOREST, scale: { ndvi: 0.004 } })
    expect(alone.notes.join()).toContain('--offset ndvi=-0.08')
  })

  it('codes above 250 of such bytes are not NDVI', async () => {
    const bytes = csv('id,date,NDVI', '1,2024-06-11,125', '2,2024-06-11,255')
    const { errors } = await read({ 'a.csv': bytes }, { ...FOREST, scale: { ndvi: 0.004 }, offset: { ndvi: -0.08 } })
    expect(errors).toEqual([expect.stringContaining('give --nodata 255')])
  })
})
