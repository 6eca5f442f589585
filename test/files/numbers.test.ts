import { describe, expect, it } from 'vitest'
import { decimalMarks, readNumber } from '../../functions/files/numbers.ts'
import { csv, HEADER, read } from '../support/read-files.ts'

describe('numbers as people write them', () => {
  it.each<[string, '.' | ',', number | null | undefined]>([
    ['0.42', '.', 0.42],
    ['\u22120.42', '.', -0.42],
    ['1,234.5', '.', 1234.5],
    ['1,234,567', '.', 1_234_567],
    ['1,234', '.', undefined],
    ['12,34.5', '.', undefined],
    ['0,42', '.', undefined],
    ['0,42', ',', 0.42],
    ['1.234,5', ',', 1234.5],
    ['1.234.567', ',', 1_234_567],
    ['1.234', ',', undefined],
    ['0.42', ',', undefined],
    ['#DIV/0!', '.', null],
    ['#N/A', ',', null],
    ['42%', '.', undefined],
  ])('%s with the mark %s', (text, mark, expected) => {
    expect(readNumber(text, mark)).toBe(expected)
  })

  it.each<[string, string[][], string]>([
    ['a column is read by its own mark', [['0,423'], ['12.5']], ',.'],
    ['thousands do not hide the decimals of another column', [['0,42'], ['1.234,5']], ',,'],
    ['a column that shows none has that of the others', [['0,42'], ['12', '1.234']], ',,'],
    ['a point in the column wins over its commas', [['0,42', '0.42']], '.'],
    ['without any sign it is a point', [['1,234'], ['5']], '..'],
  ])('%s', (_, columns, expected) => {
    expect(decimalMarks(columns).join('')).toBe(expected)
  })

  it('a table with decimal commas, points and thousands is read column by column', async () => {
    const text = csv(`${HEADER},red_mean,nir_mean`, 'a,Forest,2024-06-11,0.423,12.5,1.234').replaceAll(',', ';')
    const { events, problems, warnings } = await read({ 'a.csv': text.replace('0.423', '0,423') })
    expect(problems).toEqual([])
    expect(events).toEqual(['Forest 2024-06-11T00:00 0.423'])
    expect(warnings).toEqual(['nir_mean could not be used and is taken as not measured'])
  })
})

describe('what spreadsheets write instead of a value', () => {
  it('is a missing NDVI, which is refused until --nodata says it may be', async () => {
    const files = { 'a.csv': csv(HEADER, 'a,Forest,2024-06-11,#DIV/0!', 'b,Forest,2024-06-11,0.42') }
    const { events, problems } = await read(files)
    expect(events).toHaveLength(1)
    expect(problems).toMatchObject([
      { row: 2, message: expect.stringContaining('correct the cell, which holds "#DIV/0!"') },
    ])
    expect(await read(files, { nodata: [] })).toMatchObject({ problems: [], withoutNdvi: 1 })
  })

  it.each(['#N/A', 'nan', 'NULL'])('is not an image id: %s', async text => {
    const { problems } = await read({ 'a.csv': csv(HEADER, `${text},Forest,2024-06-11,0.42`) })
    expect(problems).toMatchObject([{ column: 'image_id', message: expect.stringContaining('image_id is missing') }])
  })
})

describe('a scale that a file does not have', () => {
  it('is refused where NDVI would be next to nothing', async () => {
    const files = { 'a.csv': csv(HEADER, 'a,Forest,2024-06-11,0.42', 'b,Forest,2024-06-12,-1') }
    const { errors } = await read(files, { scale: { ndvi: 0.01 } })
    expect(errors).toEqual([expect.stringContaining('--scale: leave it out for this file')])
  })

  it.each([
    ['whole numbers', '1', '0'],
    ['fractions', '1.5', '0.5'],
  ])('is taken for %s', async (_, a, b) => {
    const files = { 'a.csv': csv(HEADER, `a,Forest,2024-06-11,${a}`, `b,Forest,2024-06-12,${b}`) }
    expect(await read(files, { scale: { ndvi: 0.01 } })).toMatchObject({ errors: [], problems: [] })
  })
})
