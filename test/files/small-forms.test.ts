import { describe, expect, it } from 'vitest'
import { csv, HEADER, ROW, read, zip } from '../support/read-files.ts'

const FOREST = 'Forest 2024-06-11T08:00 0.42'
const WITHOUT_CLASS = csv('image_id,timestamp,ndvi_mean', 'a,2024-06-11T08:00:00Z,0.42')

describe('a zip archive', () => {
  it('may hold text files, if it has no other table', async () => {
    const { events, errors } = await read({ 'a.zip': zip({ 'a.txt': csv(HEADER, ROW) }) })
    expect({ events, errors }).toEqual({ events: [FOREST], errors: [] })
  })

  it('says which of its files are not read', async () => {
    const files = { 'a.csv': csv(HEADER, ROW), 'README.txt': 'about', 'plot.png': 'x' }
    const { events, notes } = await read({ 'a.zip': zip(files) })
    expect(events).toEqual([FOREST])
    expect(notes).toEqual(['not read: a.zip/README.txt', 'not read: a.zip/plot.png'])
  })

  it('may have folders whose names give the class', async () => {
    const { events, problems } = await read({
      'a.zip': zip({ 'class_name=Forest/a.csv': WITHOUT_CLASS, 'all/class_name=For%C3%AAt/b.csv': WITHOUT_CLASS }),
    })
    expect({ events, problems }).toEqual({ events: [FOREST, FOREST.replace('Forest', 'Forêt')], problems: [] })
  })
})

describe('a class that both a folder and a column give', () => {
  const rows = csv(HEADER, ROW, 'b,River,2024-06-11T08:00:00Z,0.1')
  it.each([
    ['a folder', { 'class_name=Forest/a.csv': rows, 'class_name=River/b.csv': csv(HEADER) }],
    ['a zip archive', { 'a.zip': zip({ 'class_name=Forest/a.csv': rows }) }],
  ])('in %s is refused when the two differ', async (_, files) => {
    const { events, problems } = await read(files as Record<string, string | Uint8Array>)
    expect(events).toEqual([FOREST])
    expect(problems).toMatchObject([
      {
        row: 3,
        column: 'class_name',
        message: 'class_name is "River", but the folder says "Forest": correct one of them',
      },
    ])
  })
})

it('a class that a chosen column gives is not compared with a column that is not used', async () => {
  const { events, problems } = await read(
    { 'class_name=River/a.csv': csv(`${HEADER},LC`, `${ROW},River`), 'class_name=River/b.csv': csv(HEADER) },
    { columns: { class_name: 'LC' } },
    'class_name=River/a.csv',
  )
  expect({ events, problems }).toEqual({ events: [FOREST.replace('Forest', 'River')], problems: [] })
})

it.each([
  ['with its mark', Buffer.from([0xff, 0xfe, 0, 0]), 'little'],
  ['without its mark', Buffer.alloc(0), 'little'],
  ['with its mark, the last byte first', Buffer.from([0, 0, 0xfe, 0xff]), 'big'],
])('text in UTF-32 %s is named', async (_, mark, order) => {
  const text = csv(HEADER, ROW)
  const bytes = Buffer.alloc(text.length * 4)
  for (let at = 0; at < text.length; at++) {
    if (order === 'little') bytes.writeUInt32LE(text.charCodeAt(at), at * 4)
    else bytes.writeUInt32BE(text.charCodeAt(at), at * 4)
  }
  const { errors } = await read({ 'a.csv': Buffer.concat([mark, bytes]) })
  expect(errors).toEqual(['a.csv is text in UTF-32, which is not read: save it as UTF-8'])
})

it("answers of Sentinel Hub's batch of statistics may be one a line", async () => {
  const answer = (identifier: string, mean: number) =>
    JSON.stringify({
      identifier,
      response: {
        data: [
          {
            interval: { from: '2024-06-11T08:00:00Z', to: '2024-06-12T08:00:00Z' },
            outputs: { ndvi: { bands: { B0: { stats: { min: 0.1, max: 0.9, mean, stDev: 0.1 } } } } },
          },
        ],
        status: 'OK',
      },
    })
  const { events, ids, errors } = await read(
    { 'a.ndjson': `${answer('field-1', 0.42)}\n${answer('field-2', 0.5)}\n` },
    { constants: { class_name: 'Forest' } },
  )
  expect({ ids, errors }).toEqual({ ids: ['field-1_2024-06-11', 'field-2_2024-06-11'], errors: [] })
  expect(events).toEqual([FOREST, FOREST.replace('0.42', '0.5')])
})

it('files that are joined may have decimal commas', async () => {
  const { events, problems, errors } = await read(
    {
      'images.csv': csv('image_id;class_id;timestamp', 'a;1;2024-06-11T08:00:00Z'),
      'classes.csv': csv('class_id;class_name', '1;Forest'),
      'ndvi_stats.csv': csv('image_id;ndvi_mean', 'a;0,42'),
      'spectral_data.csv': csv('image_id;red_mean', 'a;100,5'),
    },
    {},
    '.',
  )
  expect({ events, problems, errors }).toEqual({ events: [FOREST], problems: [], errors: [] })
})

describe('a table whose rows hold several quantities', () => {
  const rows = (header: string, ...names: string[]) =>
    csv(
      `image_id,class_name,timestamp,${header},value`,
      ...names.map((name, row) => `${row},Forest,2024-06-1${row}T08:00:00Z,${name},0.42`),
    )
  const mapping = { columns: { ndvi_mean: 'value' } }

  it.each([
    ['band', '250m_16_days_NDVI', '250m_16_days_EVI'],
    ['Dataset', '_250m_16_days_EVI', '_250m_16_days_NDVI'],
    ['variable', 'ndvi', 'lai'],
  ])('is refused, and the message names the column that shows it: %s', async (header, first, second) => {
    const { events, errors } = await read({ 'a.csv': rows(header, first, second) }, mapping)
    expect(events).toEqual([])
    expect(errors).toEqual([expect.stringContaining(`by the column "${header}" some rows hold`)])
    expect(errors).toEqual([expect.stringContaining('keep those of NDVI in the file, and no others')])
  })

  it.each([
    ['one quantity', 'band', ['NDVI', 'NDVI']],
    ['names that say nothing of NDVI', 'dataset', ['MOD13Q1', 'MYD13Q1']],
    ['another column', 'tile', ['NDVI', 'EVI']],
  ])('is read where it has %s', async (_, header, names) => {
    const { events, errors } = await read({ 'a.csv': rows(header, ...names) }, mapping)
    expect(errors).toEqual([])
    expect(events).toHaveLength(2)
  })
})
