import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Mapping } from '../../functions/files/mapping.ts'
import { readSource } from '../../functions/files/read-events.ts'
import { describeProblem } from '../../functions/files/rows.ts'
import { findSources } from '../../functions/files/sources.ts'

/**
 * Files as people have them, which are not part of the project: `LANDCOVER_CASES` names the folder above `ingest`. Each
 * is to come to what its README says: the values, or a refusal that names what to do.
 */
const FOLDER = join(process.env.LANDCOVER_CASES ?? '', 'ingest')
const CLASSES = ['Forest', 'River', 'Forêt', 'Laubwald', 'SeaLake', 'Annual Crop', 'Prairie', 'Wald, naß', '311']

interface Came {
  /** `class day mean` of the images of each class. */
  images: string[]
  /** All refusals and errors, in their words. */
  said: string
}

async function read(path: string, mapping: Mapping): Promise<Came> {
  const images = new Map<string, { days: Set<string>; sum: number; count: number }>()
  const said: string[] = []
  try {
    const { sources, unread } = await findSources(join(FOLDER, path))
    said.push(...unread.map(({ path: file, reason }) => `${file} ${reason}`))
    for (const source of sources) {
      try {
        for await (const rows of readSource(source, { now: Date.now, mapping, classes: CLASSES })) {
          for (const row of rows) {
            if ('problem' in row) said.push(describeProblem(row.problem))
            if (!('event' in row)) continue
            const { class_name: className, timestamp, ndvi_mean } = row.event()
            const of = images.get(className) ?? { days: new Set(), sum: 0, count: 0 }
            of.days.add(timestamp.slice(0, 10))
            images.set(className, { ...of, sum: of.sum + ndvi_mean, count: of.count + 1 })
          }
        }
      } catch (error) {
        images.clear()
        said.push((error as Error).message)
      }
    }
  } catch (error) {
    said.push((error as Error).message)
  }
  const lines = Array.from(images, ([name, { days, sum, count }]) => {
    const mean = Number((sum / count).toFixed(3))
    return `${count} ${name} ${[...days].sort()[0]} ${mean}`
  })
  return { images: lines.sort(), said: said.join('\n') }
}

const TIME = { constants: { timestamp: '2024-06-01' } }
const PARQUET = ['2 Forest 2024-06-11 0.5', '1 River 2024-06-13 -0.1'].sort()
const LAUBWALD = ['2 Laubwald 2024-06-01 0.5']
const FOREST = ['1 Forest 2024-06-01 0.42']
const HEADERS = ['1 Forest 2020-06-01 0.42']

const READ: [path: string, mapping: Mapping, images: string[]][] = [
  ['02-gee-chart-timecolumn/renamed.csv', {}, ['3 Forest 2023-01-04 0.18']],
  ['04-appeears-statistics/renamed.csv', {}, ['2 311 2001-01-01 0.498']],
  ['04-appeears-statistics/raw.csv', { constants: { class_name: '311' } }, ['2 311 2001-01-01 0.498']],
  ['07-us-dates-crlf/renamed.csv', { timeFormat: 'M/D/YYYY' }, ['2 Forest 2010-01-15 0.147']],
  ['08-scaled-10000/renamed.csv', { scale: { ndvi: 0.0001 } }, ['4 Forest 2009-05-31 0.198']],
  ['08-scaled-10000/rescaled.csv', {}, ['4 Forest 2009-05-31 0.198']],
  ['12-geemap-zonal/renamed.csv', TIME, ['2 Forest 2024-06-01 0.304']],
  ['13-day-of-year/renamed.csv', {}, ['2 Forest 2015-01-03 0.12']],
  ['15-nodata-9999/renamed.csv', {}, ['2 Forest 2024-01-01 0.55']],
  ...['comma-quoted.csv', 'renamed.csv', 'semicolon-point.csv'].map((name): [string, Mapping, string[]] => [
    `17-semicolon-decimal-comma-bom/${name}`,
    {},
    LAUBWALD,
  ]),
  ['18-encodings/utf16.csv', {}, ['1 Forêt 2024-06-01 0.42']],
  ['18-encodings/utf8.csv', {}, ['1 Forêt 2024-06-01 0.42']],
  ['18-encodings/nfd.csv', {}, ['1 Forêt 2024-06-01 0.42']],
  ['18-encodings/latin1.csv', { encoding: 'latin1' }, ['1 Forest 2024-06-01 0.44', '1 Forêt 2024-06-01 0.42']],
  ...['case', 'comment', 'date', 'space', 'std-name', 'timestamp-case', 'trailing', 'units'].map(
    (name): [string, Mapping, string[]] => [`20-header-variants/${name}.csv`, {}, HEADERS],
  ),
  ['21-time-forms/forms.csv', { timeFormat: 'spreadsheet' }, ['14 Forest 2024-06-11 0.5']],
  ...['one.csv.gz', 'one.zip', 'gz-named.csv', 'zip-named.csv'].map((name): [string, Mapping, string[]] => [
    `22-compressed-and-foreign/${name}`,
    {},
    FOREST,
  ]),
  ['25-negative-reflectance/renamed.csv', {}, ['2 SeaLake 2024-06-01 -0.35']],
  ['27-quotes-newlines/renamed.csv', {}, ['1 Forest 2024-06-01 0.44', '1 Wald, naß 2024-06-01 0.42']],
  ['28-eurosat-lambda-folder/category', TIME, ['1 Annual Crop 2024-06-01 0.45', '1 Forest 2024-06-01 0.72']],
  ['28-eurosat-lambda-folder/float-id', TIME, ['1 Annual Crop 2024-06-01 0.45']],
  ['28-eurosat-lambda-folder/flat.csv', {}, ['1 Annual Crop 2024-06-01 0.45', '1 Forest 2024-06-01 0.72']],
  ...['category-float32', 'date-text', 'default', 'float16', 'index-unnamed', 'int-id', 'optional-nodata', 'upper'].map(
    (name): [string, Mapping, string[]] => [`31-pandas-parquet/${name}.parquet`, {}, PARQUET],
  ),
  ...[
    'None.parquet',
    'brotli.parquet',
    'df.parq',
    'df.parquet.gzip',
    'df.pq',
    'gzip.parquet',
    'lz4.parquet',
    'noext',
  ].map((name): [string, Mapping, string[]] => [`32-parquet-codecs/${name}`, {}, PARQUET]),
  ...['snappy', 'zstd'].map((name): [string, Mapping, string[]] => [`32-parquet-codecs/${name}.parquet`, {}, PARQUET]),
  ...[
    'arrow-binary-class',
    'arrow-decimal38',
    'arrow-text-ndvi',
    'duck-date',
    'duck-default',
    'duck-float',
    'duck-ns',
  ].map((name): [string, Mapping, string[]] => [`34-parquet-types/${name}.parquet`, {}, PARQUET]),
  ...['duck-v2', 'fastparquet', 'polars-cat-decimal', 'polars-default'].map((name): [string, Mapping, string[]] => [
    `34-parquet-types/${name}.parquet`,
    {},
    PARQUET,
  ]),
  ['34-parquet-types/duck-tz.csv', {}, PARQUET],
  ['38-cells/padded.csv', {}, ['2 Forest 2024-06-01 0.42']],
  ...['bom', 'cr-only', 'quoteall'].map((name): [string, Mapping, string[]] => [`38-cells/${name}.csv`, {}, FOREST]),
]

const REFUSED: [path: string, said: RegExp][] = [
  ['05-pandas-index-portuguese/raw.csv', /no column image_id, class_name, timestamp.*No time is invented/],
  ['07-us-dates-crlf/renamed.csv', /--time-format DD\.MM\.YYYY or MM\/DD\/YYYY/],
  ['08-scaled-10000/renamed.csv', /give --scale 0\.0001/],
  ['12-geemap-zonal/raw.csv', /no column class_name, timestamp/],
  ['12-geemap-zonal/renamed.csv', /No time is invented/],
  ['17-semicolon-decimal-comma-bom/comma-unquoted.csv', /decimal comma must be quoted/],
  ['20-header-variants/dup.csv', /the column ndvi_mean is there twice/],
  ['22-compressed-and-foreign/book.xlsx', /is an Excel workbook/],
  ['23-empty/blank.csv', /is empty/],
  ['23-empty/bom.csv', /is empty/],
  ['23-empty/empty.csv', /is empty: it has no bytes/],
  ['23-empty/nul.csv', /is a binary file/],
  ['28-eurosat-lambda-folder/metadata', /lacks images\.csv, classes\.csv/],
  ['34-parquet-types/truncated.parquet', /cannot read .* as Parquet/],
  ['34-parquet-types/arrow-list-ndvi.parquet', /must be a number such as 0\.42, not the list/],
  ['38-cells/mean-outside.csv', /ndvi_mean is below ndvi_min/],
  ['38-cells/excel-errors.csv', /"#DIV\/0!"[\s\S]*"#N\/A"[\s\S]*too narrow in the spreadsheet/],
]

const isThere = ([path]: [string, ...unknown[]]) => existsSync(join(FOLDER, path))

describe('files as people have them', () => {
  it.each(READ.filter(isThere))('%s is read by %j', async (path, mapping, images) => {
    expect((await read(path, mapping)).images).toEqual(images)
  })

  it.each(REFUSED.filter(isThere))('%s is refused with %s', async (path, message) => {
    const { images, said } = await read(path, {})
    expect(images).toEqual([])
    expect(said).toMatch(message)
  })
})
