import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Mapping } from '../../functions/files/mapping.ts'
import { csv, HEADER, ROW, read, zip } from '../support/read-files.ts'

const FOREST = 'Forest 2024-06-11T08:00 0.42'

describe('the form of a file is recognised by its bytes', () => {
  const text = csv(HEADER, ROW)
  it.each<[string, string | Uint8Array]>([
    ['a.csv.gz', gzipSync(text)],
    ['gzip-without-its-ending.csv', gzipSync(text)],
    ['a.csv.zst', zstdCompressSync(text)],
    ['a.zip', zip({ 'a.csv': text, 'README.txt': 'about' })],
    ['zip-without-its-ending.csv', zip({ 'a.csv': text })],
    ['a.tsv', text.replaceAll(',', '\t')],
    ['semicolons.csv', text.replaceAll(',', ';')],
    ['decimal-comma.csv', text.replaceAll(',', ';').replace('0.42', '0,42')],
    ['utf16.csv', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['utf16-without-mark.csv', Buffer.from(text, 'utf16le')],
    ['sep.csv', `sep=;\n${text.replaceAll(',', ';')}`],
    ['comments.csv', `# by a tool\n# site 1\n${text}`],
    ['old-mac.csv', text.replaceAll('\n', '\r')],
    ['empty-rows.csv', csv(`${HEADER},`, `${ROW},`, ',,,,', ',,,,')],
    ['a.txt', text],
    ['a.json', JSON.stringify([{ image_id: 'a', class_name: 'Forest', timestamp: 1718092800000, ndvi_mean: 0.42 }])],
    [
      'wrapped.json',
      '{"count": 1, "records": [{"image_id":"a","class_name":"Forest","timestamp":1718092800000,"ndvi_mean":0.42}]}',
    ],
    [
      'python.json',
      '[{"image_id":"a","class_name":"Forest","timestamp":1718092800000,"ndvi_mean":0.42,"red_mean":NaN}]',
    ],
    [
      'columns.json',
      '{"image_id":{"0":"a"},"class_name":{"0":"Forest"},"timestamp":{"0":"2024-06-11T08:00Z"},"ndvi_mean":{"0":0.42}}',
    ],
    [
      'split.json',
      '{"columns":["image_id","class_name","timestamp","ndvi_mean"],"index":[0],"data":[["a","Forest","2024-06-11T08:00Z",0.42]]}',
    ],
    ['a.ndjson', '{"image_id":"a","class_name":"Forest","timestamp":"2024-06-11 08:00:00+00","ndvi_mean":0.42}\n'],
    [
      'a.geojson',
      '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{"image_id":"a","class_name":"Forest","date":"2024-06-11T08:00Z","NDVI":0.42}}]}',
    ],
  ])('%s', async (name, content) => {
    const { events, problems, errors } = await read({ [name]: content })
    expect({ events, problems, errors }).toEqual({ events: [FOREST], problems: [], errors: [] })
  })

  it.each<[string, string | Uint8Array, RegExp]>([
    [
      'cut-off.csv.gz',
      gzipSync(csv(HEADER, ...new Array(2_000).fill(ROW))).subarray(0, 60),
      /gzip file that is damaged or cut off/,
    ],
    ['cut-off.zip', zip({ 'a.csv': csv(HEADER, ROW) }).subarray(0, 60), /zip archive that is damaged or cut off/],
    ['book.xlsx', zip({ 'xl/workbook.xml': '' }), /is an Excel workbook, which is not read: save the sheet as CSV/],
    ['book.xls', Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0, 0, 0, 0]), /Excel workbook of the old form/],
    ['image.csv', Buffer.from([0x49, 0x49, 0x2a, 0x00, 8, 0, 0, 0]), /is a TIFF image/],
    ['page.csv', '<!DOCTYPE html><html></html>', /is a web page/],
    ['zeros.csv', Buffer.alloc(100), /is a binary file/],
    ['empty.csv', '', /is empty/],
    ['cut-off.json', '[{"image_id": "a", "class', /begins as JSON, but is damaged or cut off/],
    ['empty.json', '[]', /holds no rows/],
    ['other.json', '{"a": {"b": "c"}}', /JSON, but not of a form that is read/],
  ])('%s is refused with its real kind', async (name, content, message) => {
    const { events, errors } = await read({ [name]: content })
    expect(events).toEqual([])
    expect(errors).toEqual([expect.stringMatching(message)])
  })

  it('text of another encoding is read with a flag, and a refusal names that flag', async () => {
    const latin1 = { 'a.csv': Buffer.from(csv(HEADER, ROW.replace('Forest', 'Forêt')), 'latin1') }
    expect((await read(latin1, { encoding: 'latin1' })).events).toEqual(['Forêt 2024-06-11T08:00 0.42'])
    expect((await read(latin1)).problems).toMatchObject([{ message: expect.stringContaining('--encoding latin1') }])
  })

  it('class names in another Unicode form are those of the list', async () => {
    const { events } = await read({ 'a.csv': csv(HEADER, ROW.replace('Forest', 'Forêt'.normalize('NFD'))) })
    expect(events).toEqual(['Forêt 2024-06-11T08:00 0.42'])
  })
})

describe('a folder', () => {
  it('is read with the folders in it, whose names may stand for columns', async () => {
    const { events, unread } = await read({
      'class_name=Forest/2024/a.csv': csv('image_id,timestamp,ndvi_mean', 'a,2024-06-11T08:00Z,0.42'),
      'class_name=River/b.CSV': csv('image_id,timestamp,ndvi_mean', 'b,2024-06-11T08:00Z,-0.1'),
      'notes.md': 'about',
      'map.png': Buffer.from([0x89, 0x50, 0x4e, 0x47]),
      _SUCCESS: '',
    })
    expect(events).toEqual([FOREST, 'River 2024-06-11T08:00 -0.1'])
    expect(unread).toEqual([
      'map.png is a PNG image: give statistics of images, not images',
      'notes.md has no name of a table, such as .csv, .json or .parquet',
    ])
  })

  it('of four files takes keys that pandas made numbers with a fraction', async () => {
    const { events } = await read({
      'images.csv': csv('image_id,class_id,timestamp', 'a,1.0,2024-06-11T08:00Z'),
      'classes.csv': csv('class_id,class_name', '1,Forest'),
      'ndvi_stats.csv': csv('image_id,ndvi_mean,vegetation_index', 'a,0.42,Moderate'),
      'spectral_data.csv': csv('image_id,red_mean', 'a,1'),
    })
    expect(events).toEqual([FOREST])
  })
})

describe('the columns of programs', () => {
  it.each<[string, string, string, Mapping, string[]]>([
    [
      'Earth Engine charts',
      'chart.csv',
      csv('system:time_start,NDVI', '"Jun 11, 2024",0.42', '"Jun 12, 2024",0.5'),
      { constants: { class_name: 'Forest' } },
      ['Forest 2024-06-11T00:00 0.42', 'Forest 2024-06-12T00:00 0.5'],
    ],
    [
      'Earth Engine charts of classes',
      'chart.csv',
      csv('system:time_start,Forest,River', '"Jun 11, 2024",0.42,', '"Jun 12, 2024",0.5,-0.1'),
      {},
      ['Forest 2024-06-11T00:00 0.42', 'Forest 2024-06-12T00:00 0.5', 'River 2024-06-12T00:00 -0.1'],
    ],
    [
      'AppEEARS',
      'area.csv',
      csv('File Name,Dataset,aid,Date,Count,Minimum,Maximum,Mean', 'X_1,NDVI,aid1,2024-06-11,5,0.1,0.9,0.42'),
      { constants: { class_name: 'Forest' } },
      ['Forest 2024-06-11T00:00 0.42'],
    ],
    [
      'openEO',
      'timeseries.csv',
      csv('date,feature_index,avg(band_0)', '2024-06-11T08:00:00.000Z,0,0.42'),
      { constants: { class_name: 'Forest' } },
      [FOREST],
    ],
    [
      'openEO as JSON',
      'timeseries.json',
      '{"2024-06-11T08:00:00Z": [[0.42], [null]]}',
      { constants: { class_name: 'Forest' }, nodata: [] },
      [FOREST],
    ],
    [
      'Sentinel Hub',
      'statistics.json',
      JSON.stringify({
        data: [
          {
            interval: { from: '2024-06-11T08:00:00Z', to: '2024-06-12T08:00:00Z' },
            outputs: {
              ndvi: {
                bands: {
                  B0: { stats: { min: 0.1, max: 0.9, mean: 0.42, stDev: 0.1, sampleCount: 9, noDataCount: 0 } },
                },
              },
              dataMask: { bands: { B0: { stats: { min: 1, max: 1, mean: 1, stDev: 0 } } } },
            },
          },
        ],
        status: 'OK',
      }),
      { constants: { class_name: 'Forest' } },
      [FOREST],
    ],
    [
      'ORNL',
      'subset.json',
      JSON.stringify({
        scale: '0.0001',
        subset: [
          { modis_date: 'A2024163', calendar_date: '2024-06-11', band: '250m_16_days_NDVI', data: [4000, 4400, -3000] },
        ],
      }),
      { constants: { class_name: 'Forest' } },
      ['Forest 2024-06-11T00:00 0.42'],
    ],
    [
      'R and MODIS tools',
      'modis.csv',
      csv('image_id,class_name,year,DayOfYear,NDVI', 'a,Forest,2024.0,163.0,0.42'),
      {},
      ['Forest 2024-06-11T00:00 0.42'],
    ],
    [
      'tables with a column per date',
      'wide.csv',
      csv('plot,class_name,2024-06-11,NDVI_20240612', 'p1,Forest,0.42,0.5'),
      { constants: { image_id: '{plot}_{date}' } },
      ['Forest 2024-06-11T00:00 0.42', 'Forest 2024-06-12T00:00 0.5'],
    ],
    [
      'tables with a column per site',
      'wide.csv',
      csv('date,north,south', '2024-06-11,0.42,0.5'),
      { wide: 'site', constants: { class_name: 'Forest', image_id: '{site}_{date}' } },
      ['Forest 2024-06-11T00:00 0.42', 'Forest 2024-06-11T00:00 0.5'],
    ],
  ])('%s are recognised', async (_, name, content, mapping, expected) => {
    const { events, problems, errors, notes } = await read({ [name]: content }, mapping)
    expect({ events, problems, errors }).toEqual({ events: expected, problems: [], errors: [] })
    expect(notes).not.toEqual([])
  })

  it.each<[string, Mapping, string, string]>([
    ['named columns', { columns: { class_name: 'LC', timestamp: 'when' } }, 'image_id,LC,when,ndvi_mean', ROW],
    ['a composed id', { constants: { image_id: '{site}-{date}' } }, 'site,class_name,timestamp,ndvi_mean', ROW],
    ['another scale', { scale: { ndvi: 0.0001 } }, HEADER, ROW.replace('0.42', '4200')],
    ['a zone', { timeZone: 'Europe/Berlin' }, HEADER, ROW.replace('08:00:00Z', '10:00:00')],
    ['day first', { timeFormat: 'DD.MM.YYYY HH:mm' }, HEADER, ROW.replace('2024-06-11T08:00:00Z', '11.06.2024 08:00')],
    ['month first', { timeFormat: 'MM/DD/YYYY HH:mm' }, HEADER, ROW.replace('2024-06-11T08:00:00Z', '6/11/2024 08:00')],
    ['other class names', { classes: { wood: 'Forest' } }, HEADER, ROW.replace('Forest', 'wood')],
  ])('may be mapped: %s', async (_, mapping, header, row) => {
    const { events, problems, errors } = await read({ 'a.csv': csv(header, row) }, mapping)
    expect({ events, problems, errors }).toEqual({ events: [FOREST], problems: [], errors: [] })
  })

  it('compose ids of the row and its day', async () => {
    const { ids } = await read(
      { 'a.csv': csv('site,class_name,timestamp,ndvi_mean', ROW) },
      { constants: { image_id: '{file}/{site}-{date}' } },
    )
    expect(ids).toEqual(['a/a-2024-06-11'])
  })
})

describe('nothing is guessed silently', () => {
  it.each([
    ['date', 'date'],
    ['Timestamp', null],
    ['system:time_start', 'system:time_start'],
    ['event_time', 'event_time'],
    ['interval_from', 'interval_from'],
  ])('a time column %s is used, and said where it has another name', async (header, said) => {
    const { events, notes } = await read({ 'a.csv': csv(HEADER.replace('timestamp', header), ROW) })
    expect(events).toEqual([FOREST])
    expect(notes).toEqual(said === null ? [] : [`a.csv: timestamp = "${said}"`])
  })

  it('a time column of no known name stops the file, and is named', async () => {
    const { events, errors } = await read({ 'a.csv': csv(HEADER.replace('timestamp', 'quand'), ROW) })
    expect(events).toEqual([])
    expect(errors).toEqual([expect.stringMatching(/No time is invented: "quand" looks like one/)])
  })

  it('columns that are not used are named once', async () => {
    const { notes } = await read({ 'a.csv': csv(`${HEADER},wind,rain`, `${ROW},1,2`, `${ROW},1,2`) })
    expect(notes).toEqual(['a.csv: not used: columns "wind", "rain"'])
  })

  it('a place and its clouds are recognised by usual headers, and said', async () => {
    const rows = [`${ROW},a,9.5,47.25,0.25,05.11`, `${ROW},7,,NaN,,`]
    const { places, notes } = await read({
      'a.csv': csv(`${HEADER},site,Longitude,Latitude,cloud,processing_baseline`, ...rows),
    })
    expect(places).toEqual([
      { site_id: 'a', lon: 9.5, lat: 47.25, cloud_fraction: 0.25, processing_version: '05.11' },
      { site_id: '7', lon: null, lat: null, cloud_fraction: null, processing_version: null },
    ])
    expect(notes).toEqual([
      'a.csv: lon = "Longitude", lat = "Latitude", cloud_fraction = "cloud", site_id = "site", processing_version = "processing_baseline"',
      'cloud_fraction: "cloud" is a fraction from 0 to 1; if it is in percent, give --scale cloud_fraction=0.01',
    ])
  })

  it.each([
    ['eo:cloud_cover', '0.5', {}, 0.005],
    ['cloud_cover', '25', {}, 0.25],
    ['cloud_cover', '0.5', {}, 0.5],
    ['cloud_cover', '1', {}, 1],
    ['cloud_cover', '0.5', { scale: { cloud_fraction: 0.01 } }, 0.005],
    ['cloud_percentage', '0.5', { scale: { cloud_fraction: 1 } }, 0.5],
    ['cloud_fraction', '0.5', {}, 0.5],
    ['cloud_fraction', '25', {}, null],
  ])('clouds in %s of %s with %j are %s', async (header, cell, mapping, fraction) => {
    const { places } = await read({ 'a.csv': csv(`${HEADER},${header}`, `${ROW},${cell}`) }, mapping)
    expect(places).toEqual([{ cloud_fraction: fraction }])
  })

  it('text of a place that cannot be used is not measured, and counted', async () => {
    const { places, warnings } = await read({ 'a.csv': csv(`${HEADER},site_id`, `${ROW},${'x'.repeat(257)}`) })
    expect(places).toEqual([{ site_id: null }])
    expect(warnings).toEqual(['site_id could not be used and is taken as not measured'])
  })

  it.each([
    ['most values outside', [0, 1, 3542, 4359, 5000], 'outside'],
    ['half of them, all whole numbers', [0, 1, 3542, 4359], 'outside'],
    ['one of three whole numbers', [0, 1, 3542], 'outside'],
  ])('a column in another scale stops the file: %s', async (_, values) => {
    const rows = values.map((value, index) => ROW.replace('0.42', String(value)).replace('a', `i${index}`))
    const { errors } = await read({ 'a.csv': csv(HEADER, ...rows) })
    expect(errors).toEqual([expect.stringContaining('give --scale 0.0001')])
  })

  it.each([
    ['some values outside', ['0.42', '0.5', '1.2'], 1],
    ['fills beside measured values', ['0.42', '-9999', '-3000'], 2],
    ['whole numbers within', ['0', '1', '-1'], 0],
  ])('a column of NDVI is taken row by row: %s', async (_, values, refused) => {
    const rows = values.map(value => ROW.replace('0.42', value))
    const { errors, events, problems } = await read({ 'a.csv': csv(HEADER, ...rows) })
    expect(errors).toEqual([])
    expect([events.length, problems.length]).toEqual([3 - refused, refused])
  })

  it('fill values in a scaled column must be declared, since they would look like NDVI', async () => {
    const file = { 'a.csv': csv(HEADER, ROW.replace('0.42', '4200'), ROW.replace('0.42', '-3000')) }
    expect((await read(file, { scale: { ndvi: 0.0001 } })).errors).toEqual([expect.stringContaining('--nodata -3000')])
    const { events, withoutNdvi, problems } = await read(file, { scale: { ndvi: 0.0001 }, nodata: [-3000] })
    expect({ events, withoutNdvi, problems }).toEqual({ events: [FOREST], withoutNdvi: 1, problems: [] })
  })

  it.each(['-9999', 'NaN', 'nan', 'NA', '-0.0012', 'Moderate', '#DIV/0!'])(
    'an optional value %s is not measured, and the image counts',
    async value => {
      const { events, problems } = await read({
        'a.csv': csv(`${HEADER},nir_mean,vegetation_index`, `${ROW},${value},Moderate`),
      })
      expect({ events, problems }).toEqual({ events: [FOREST], problems: [] })
    },
  )

  it('a mean outside its own bounds is refused in the same way for files, HTTP and the log', async () => {
    const { events, problems } = await read({
      'a.csv': csv(`${HEADER},ndvi_min,ndvi_max`, `${ROW},0.6,0.9`, `${ROW},0.42,0.42`),
    })
    expect(events).toEqual([FOREST])
    expect(problems).toMatchObject([{ message: expect.stringContaining('ndvi_mean is below ndvi_min') }])
  })

  it('dates that can be read in two ways are refused, with the flag that decides', async () => {
    const { problems } = await read({ 'a.csv': csv(HEADER, ROW.replace('2024-06-11T08:00:00Z', '3/4/2024')) })
    expect(problems).toMatchObject([{ message: expect.stringContaining('--time-format DD.MM.YYYY or MM/DD/YYYY') }])
  })
})

describe('times', () => {
  it.each([
    ['2024-06-11 08:00:00+00'],
    ['2024-06-11 10:00:00+02'],
    ['2024-06-11 13:30:00+05:30'],
    ['2024-06-11 08:00:00 UTC'],
    ['2024-06-11 08:00:00 +0000'],
    ['1718092800'],
    ['1718092800000'],
    ['1718092800000000'],
    ['1718092800000000000'],
    ['20240611T080000Z'],
    ['2024/06/11 08:00:00'],
    ['2024-06-11T08:00Z'],
    ['2024-06-11T08:00:00.123456+00:00'],
    ['2024-06-11t08:00:00z'],
    ['"Jun 11, 2024, 8:00:00 AM"'],
  ])('%s is 08:00 of 11 June 2024', async time => {
    expect((await read({ 'a.csv': csv(HEADER, ROW.replace('2024-06-11T08:00:00Z', time)) })).events).toEqual([FOREST])
  })

  it.each(['2024-06-11', '20240611', '"Jun 11, 2024"', '11-Jun-2024', '2024-163', '2024-06-10T24:00:00Z'])(
    '%s is the start of 11 June 2024',
    async time => {
      const { events } = await read({ 'a.csv': csv(HEADER, ROW.replace('2024-06-11T08:00:00Z', time)) })
      expect(events).toEqual(['Forest 2024-06-11T00:00 0.42'])
    },
  )

  it.each(['2024-02-30', '2023-366', '2024-06-11T25:00Z', '45454.3333', '########', '2024-13-01', '"Foo 3, 2024"'])(
    '%s is refused with accepted examples',
    async time => {
      const { events, problems } = await read({ 'a.csv': csv(HEADER, ROW.replace('2024-06-11T08:00:00Z', time)) })
      expect(events).toEqual([])
      expect(problems).toMatchObject([
        { column: 'timestamp', message: expect.stringContaining('such as 2024-06-11, ') },
      ])
    },
  )
})
