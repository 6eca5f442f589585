import { expect, it } from 'vitest'
import { type CsvRecord, cutCsv } from '../../functions/files/csv-records.ts'

async function recordsOf(...chunks: string[]): Promise<CsvRecord[]> {
  return (await Array.fromAsync(cutCsv(streamOf(chunks), 'a.csv', ','))).flat()
}

async function* streamOf(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks
}

it.each(['a,b\r\n1,2\r\n3,4\r\n', 'a,b\r1,2\r3,4', '"a","b"\r\n"1\r\n","2 ""x"""\r\n3,4', 'a,b\n\r\n"1",2\r\n'])(
  'the records of a text do not depend on where its chunks end: %j',
  async text => {
    const whole = await recordsOf(text)
    expect(whole.length).toBeGreaterThanOrEqual(3)
    for (let at = 1; at < text.length; at++) {
      expect([at, await recordsOf(text.slice(0, at), text.slice(at))]).toEqual([at, whole])
    }
    expect(await recordsOf(...text)).toEqual(whole)
  },
)
