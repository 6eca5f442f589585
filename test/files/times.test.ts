import { describe, expect, it } from 'vitest'
import { csv, HEADER, read } from '../support/read-files.ts'

const timesOf = (events: string[]) => events.map(event => event.split(' ')[1])
const rowOf = (time: string) => `a,Forest,${JSON.stringify(time)},0.42`

describe('a time in several columns', () => {
  it.each([
    ['a date and a time of day', 'date,time', '2024-06-11,8:00', '2024-06-11T08:00'],
    ['in any order', 'Time,Date', '08:00:30,11 Jun 2024', '2024-06-11T08:00'],
    ['a whole time beside its date', 'date,time', '2024-06-11,2024-06-12T08:00Z', '2024-06-12T08:00'],
    ['a date whose time of day is empty', 'date,time', '2024-06-11,', '2024-06-11T00:00'],
    ['year, month and day', 'year,month,day', '2024,6,11', '2024-06-11T00:00'],
    ['numbers that a merge made fractions', 'yr,doy', '2024.0,163.0', '2024-06-11T00:00'],
  ])('%s', async (_, header, cells, expected) => {
    const text = csv(`image_id,class_name,ndvi_mean,${header}`, `a,Forest,0.42,${cells}`)
    const { events, errors, problems, notes } = await read({ 'a.csv': text })
    expect({ errors, problems }).toEqual({ errors: [], problems: [] })
    expect(timesOf(events)).toEqual([expected])
    expect(notes.join('\n')).toMatch(/timestamp = "\w+" and "\w+"/)
  })

  it('is read by a format of days, and in its zone', async () => {
    const text = csv('image_id,class_name,ndvi_mean,date,time', 'a,Forest,0.42,11.06.2024,10:00')
    const mapping = { timeFormat: 'DD.MM.YYYY', timeZone: 'Europe/Berlin' }
    expect(timesOf((await read({ 'a.csv': text }, mapping)).events)).toEqual(['2024-06-11T08:00'])
  })

  it.each(['2024,2,30', '2024,13,1', '2024,,11', '2024,6.5,11'])(
    'is refused when no calendar has it: %s',
    async cells => {
      const text = csv('image_id,class_name,ndvi_mean,year,month,day', `a,Forest,0.42,${cells}`)
      const { events, problems } = await read({ 'a.csv': text })
      expect(events).toEqual([])
      expect(problems).toMatchObject([
        { message: expect.stringContaining('correct the cells, which hold "2024" and ') },
      ])
    },
  )
})

describe('a time that can be read in only one way is read', () => {
  it.each([
    ['2024-6-1', '2024-06-01T00:00'],
    ['2024/6/11 8:05', '2024-06-11T08:05'],
    ['20240611080000', '2024-06-11T08:00'],
    ['202406110830', '2024-06-11T08:30'],
    ['Tue, 11 Jun 2024 08:00:00 GMT', '2024-06-11T08:00'],
    ['11 June 2024 08:00', '2024-06-11T08:00'],
    ['Jun 11, 2024, 12:30 AM', '2024-06-11T00:30'],
    ['Jun 11, 2024, 12:30 PM', '2024-06-11T12:30'],
    ['Jun 11, 2024, 11:30 PM', '2024-06-11T23:30'],
    ['2024-06-11T23:59:00+23:59', '2024-06-11T00:00'],
    ['2024-06-11T24:00:00', '2024-06-12T00:00'],
  ])('%s', async (time, expected) => {
    const { events, problems } = await read({ 'a.csv': csv(HEADER, rowOf(time)) })
    expect(problems).toEqual([])
    expect(timesOf(events)).toEqual([expected])
  })

  it('twelve digits are a date and a time of day, as FLUXNET writes them, when they are on the calendar', async () => {
    const rows = ['202006010000', '191331235959', '1591000000000'].map(rowOf)
    const { events, notes } = await read({ 'a.csv': csv(HEADER, ...rows) })
    expect(timesOf(events)).toEqual(['2020-06-01T00:00', '1976-01-24T11:33', '2020-06-01T08:26'])
    expect(notes).toContain('numbers of twelve digits in the time column are YYYYMMDDHHmm')
  })

  it.each([
    '2024-06-11T08:00:00+24:00',
    '2024-06-11T08:00:00+01:60',
    '2024-06-11T24:00:00.001',
    '2024-06-11T08:60',
    'Jun 11, 2024, 13:30 PM',
    '2023-366',
  ])('%s is refused: no clock or calendar shows it', async time => {
    const { events, problems } = await read({ 'a.csv': csv(HEADER, rowOf(time)) })
    expect([events, problems.length]).toEqual([[], 1])
  })

  it('the least epoch of each unit is one of that unit', async () => {
    const rows = ['100000000', '100000000000', '100000000000000', '100000000000000000'].map(rowOf)
    const { events } = await read({ 'a.csv': csv(HEADER, ...rows) })
    expect(timesOf(events)).toEqual(Array(4).fill('1973-03-03T09:46'))
  })

  it('epochs in seconds are not compact dates', async () => {
    expect(timesOf((await read({ 'a.csv': csv(HEADER, rowOf('1718092800')) })).events)).toEqual(['2024-06-11T08:00'])
  })
})

describe('a time that can be read in several ways is refused until a format is given', () => {
  it.each([
    ['11.06.2024', 'DD.MM.YYYY', '2024-06-11T00:00'],
    ['11.06.2024 8:05', 'DD.MM.YYYY', '2024-06-11T08:05'],
    ['11/06/24', 'DD/MM/YY', '2024-06-11T00:00'],
    ['11/06/71', 'DD/MM/YY', '1971-06-11T00:00'],
    ['11-Jun-24', 'DD-MMM-YY', '2024-06-11T00:00'],
    ['2024-06', 'YYYY-MM', '2024-06-01T00:00'],
    ['202406', 'YYYYMM', '2024-06-01T00:00'],
    ['45454', 'spreadsheet', '2024-06-11T00:00'],
    ['45454.3333', 'spreadsheet', '2024-06-11T07:59'],
    ['45454,5', 'spreadsheet', '2024-06-11T12:00'],
  ])('%s by %s', async (time, timeFormat, expected) => {
    const files = { 'a.csv': csv(HEADER, rowOf(time)) }
    const { events, problems } = await read(files)
    expect(events).toEqual([])
    expect(problems).toMatchObject([{ column: 'timestamp', message: expect.stringContaining('--time-format ') }])
    expect(timesOf((await read(files, { timeFormat })).events)).toEqual([expected])
  })

  it('day numbers of a spreadsheet are in its time zone', async () => {
    const mapping = { timeFormat: 'spreadsheet', timeZone: 'Europe/Berlin' }
    expect(timesOf((await read({ 'a.csv': csv(HEADER, rowOf('45454.5')) }, mapping)).events)).toEqual([
      '2024-06-11T10:00',
    ])
  })

  it('a cell that was too narrow for its value is reported as such', async () => {
    const { problems } = await read({ 'a.csv': csv(HEADER, rowOf('########')) })
    expect(problems).toMatchObject([{ message: expect.stringContaining('too narrow in the spreadsheet: widen it') }])
  })

  it.each(['DD', 'HH:mm', 'YYYY'])('the format %s lacks a part', async timeFormat => {
    const { errors } = await read({ 'a.csv': csv(HEADER, rowOf('11.06.2024')) }, { timeFormat })
    expect(errors).toEqual([expect.stringContaining(`'${timeFormat}' lacks a part`)])
  })
})
