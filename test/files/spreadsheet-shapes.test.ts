import { describe, expect, it } from 'vitest'
import type { Mapping } from '../../functions/files/mapping.ts'
import { csv, HEADER, ROW, read } from '../support/read-files.ts'

const FOREST = 'Forest 2024-06-11T08:00 0.42'
const DAY = 'Forest 2024-06-11T00:00 0.42'
const OTHER = 'b,River,2024-06-12T08:00:00Z,-0.1'
const RIVER = 'River 2024-06-12T08:00 -0.1'

describe('lines above a header are skipped, and that is said', () => {
  it.each<[string, string, string]>([
    ['a title', csv('NDVI report of June 2024', HEADER, ROW), 'the first line is skipped'],
    ['a title of a spreadsheet', csv('NDVI report,,,', 'by,QGIS,,', '', HEADER, ROW), 'the first 3 lines are'],
    [
      'a title with semicolons below',
      csv('Bericht NDVI', '', HEADER.replaceAll(',', ';'), ROW.replaceAll(',', ';').replace('0.42', '0,42')),
      'the first 2 lines are',
    ],
    ['a name with its value', csv('Date,2024-06-30', HEADER, ROW), 'the first line is'],
    ['a comment of another program', csv('% by x', HEADER, ROW), 'the first line is'],
  ])('%s', async (_, content, said) => {
    const { events, problems, errors, notes } = await read({ 'a.csv': content })
    expect({ events, problems, errors }).toEqual({ events: [FOREST], problems: [], errors: [] })
    expect(notes.join('\n')).toContain(said)
  })

  it('a problem has the number of its line in the file', async () => {
    const { problems } = await read({ 'a.csv': csv('A title', '', HEADER, ROW, 'b,River,yesterday,0.1') })
    expect(problems).toMatchObject([{ row: 5, column: 'timestamp' }])
  })

  it('a header that people named is found below a title', async () => {
    const content = csv('A title', 'wann,wert,was', '2024-06-11,0.42,Forest')
    const mapping: Mapping = {
      columns: { timestamp: 'wann', ndvi_mean: 'wert', class_name: 'was' },
      constants: { image_id: '{file}_{date}' },
    }
    expect((await read({ 'a.csv': content }, mapping)).events).toEqual([DAY])
  })

  it.each<[string, string]>([
    ['a header without known names', csv('a,b', '2024-06-11,0.42')],
    ['the dates of a wide table', csv('von,2024-06-11,2024-06-12', 'site,mean,date')],
    ['a header with one known name, above rows of text', csv('NDVI,was', 'mean,std')],
  ])('but never %s', async (_, content) => {
    const { events, errors } = await read({ 'a.csv': content })
    expect(events).toEqual([])
    expect(errors.join('\n')).toMatch(/, row 1: no column/)
  })
})

describe('lines between and below the rows', () => {
  it.each<[string, string, string[]]>([
    ['comments', csv(HEADER, '# first', ROW, '# second, part', OTHER, '# end'), ['comments below the header']],
    ['copies of the header', csv(HEADER, ROW, HEADER, OTHER), ['copies of the header between the rows']],
    ['the mark at the end of a file of DOS', `${csv(HEADER, ROW, OTHER)}\x1a`, []],
    ['units', csv(HEADER, '-,-,UTC,1', ROW, OTHER), []],
    ['types', csv(HEADER, 'string,string,datetime,float', ROW, OTHER), []],
  ])('%s are skipped', async (_, content, said) => {
    const { events, problems, errors, notes } = await read({ 'a.csv': content })
    expect({ events, problems, errors }).toEqual({ events: [FOREST, RIVER], problems: [], errors: [] })
    expect(notes).toEqual(said.map(what => `a.csv: ${what} are skipped`))
  })

  it('an id that begins with # is data', async () => {
    expect((await read({ 'a.csv': csv(HEADER, ROW.replace('a,', '#1,')) })).ids).toEqual(['#1'])
  })

  it.each(['Total', 'Mean:', 'Gesamt', 'grand total'])('a line of totals is not an image: %s', async word => {
    const content = csv('site,NDVI', 'A,0.42', `${word},0.5`)
    const mapping = { constants: { class_name: 'Forest', timestamp: '2024-06-11' } }
    const { events, problems } = await read({ 'a.csv': content }, mapping)
    expect(events).toEqual([DAY])
    expect(problems).toMatchObject([
      { row: 3, message: expect.stringContaining('line of totals, not an image: correct the cell, which holds') },
    ])
  })
})

describe('a header of several lines', () => {
  const mapping: Mapping = { constants: { image_id: '{class_name}_{date}' } }
  it.each<[string, string[]]>([
    ['of groups with their statistics', [',,NDVI,NDVI', 'class_name,date,mean,std', 'Forest,2024-06-11,0.42,0.1']],
    ['of merged cells', ['class_name,date,NDVI,,', ',,mean,std,min', 'Forest,2024-06-11,0.42,0.1,0.2']],
    [
      'with the names of an index, as pandas writes it',
      [',,ndvi_mean,ndvi_mean', ',,mean,std', 'date,class_name,,', '2024-06-11,Forest,0.42,0.1'],
    ],
  ])('%s is read', async (_, lines) => {
    const { events, problems, errors, notes } = await read({ 'a.csv': csv(...lines) }, mapping)
    expect({ events, problems, errors }).toEqual({ events: [DAY], problems: [], errors: [] })
    expect(notes.join('\n')).toMatch(/a\.csv: [23] lines name the columns together/)
  })

  it('is refused where the second line has another statistic below each date', async () => {
    const lines = [
      'class_name,2024-06-11,2024-06-11,2024-06-12,2024-06-12',
      ',mean,std,mean,std',
      'Forest,0.4,0.1,0.5,0.1',
    ]
    const { events, errors } = await read({ 'a.csv': csv(...lines) }, mapping)
    expect(events).toEqual([])
    expect(errors).toEqual([expect.stringContaining('name those of NDVI as NDVI_2024-06-11')])
  })
})

describe('a header', () => {
  it('may have a unit in brackets', async () => {
    const header = 'image_id,class_name,timestamp (UTC),NDVI [-],longitude (deg)'
    const { events, places } = await read({ 'a.csv': csv(header, `${ROW},13.4`) })
    expect({ events, places }).toEqual({ events: [FOREST], places: [{ lon: 13.4 }] })
  })

  it('in brackets that name another quantity is not that of NDVI', async () => {
    const { events, errors } = await read({
      'a.csv': csv('image_id,class_name,date,mean (EVI),std', 'a,Forest,2024-06-11,0.42,0'),
    })
    expect(events).toEqual([])
    expect(errors).toEqual([expect.stringContaining('no column ndvi_mean')])
  })

  it.each(['date', 'class'])('that is there twice is refused where it is required: %s', async name => {
    const cells = name === 'date' ? ['2024-06-11', '2024-07-11'] : ['Forest', 'River']
    const others = name === 'date' ? ['class_name', 'Forest'] : ['date', '2024-06-11']
    const content = csv(`image_id,ndvi_mean,${name},${name},${others[0]}`, `a,0.42,${cells},${others[1]}`)
    const { events, errors } = await read({ 'a.csv': content })
    expect(events).toEqual([])
    expect(errors).toEqual([expect.stringContaining(`the column ${name}, which can be the `)])
  })

  it.each<[string, string, RegExp]>([
    ['with a column per site', csv('date,site_A,site_B', '2024-06-11,0.42,0.5'), /--wide site/],
    ['of one cell', csv('image_id class_name date NDVI', 'a Forest 2024-06-11 0.42'), /--separator names the mark/],
    ['of an error', csv('Not authorized. Please log in.'), /the header has "Not authorized/],
    [
      'with times in another form',
      csv('image_id,class_name,month,NDVI', 'a,Forest,2024-06,0.42'),
      /"month" may be one: --time-format YYYY-MM/,
    ],
    ['of R with row names', csv(HEADER, `1,${ROW}`), /R must write no row names/],
  ])('%s gets advice', async (_, content, advice) => {
    const { events, errors, problems } = await read({ 'a.csv': content })
    expect(events).toEqual([])
    expect([...errors, ...problems.map(({ message }) => message)].join('\n')).toMatch(advice)
  })

  it('with spaces between the names is read when that is said', async () => {
    const content = csv('image_id class_name date NDVI', 'a Forest 2024-06-11 0.42')
    expect((await read({ 'a.csv': content }, { separator: ' ' })).events).toEqual([DAY])
  })
})

describe('numbers of spreadsheets', () => {
  it.each([
    ["1'234", 'an apostrophe'],
    ['1\u2019234', 'a typographic apostrophe'],
    ['1 234', 'a space'],
    ['1\u202f234', 'a narrow space'],
    ['1\u00a0234', 'a space that does not break'],
  ])('%s has a mark of thousands: %s', async cell => {
    const { places, warnings } = await read({ 'a.csv': csv(`${HEADER},pixels`, `${ROW},${cell}`) })
    expect({ places, warnings }).toEqual({ places: [{ pixels: 1_234 }], warnings: [] })
  })

  it('may have a decimal comma and an exponent', async () => {
    const content = csv(HEADER.replaceAll(',', ';'), 'a;Forest;2024-06-11;4,2E-01')
    expect((await read({ 'a.csv': content })).events).toEqual([DAY])
  })

  it('are not read with a space that is not a mark of thousands', async () => {
    const { problems } = await read({ 'a.csv': csv(HEADER, ROW.replace('0.42', '0.4 2')) })
    expect(problems).toMatchObject([{ column: 'ndvi_mean' }])
  })
})
