import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { eventually, type Finished, publishedBy, runProduce } from '../support/landcover.ts'
import { recordsOfLog } from '../support/log-content.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const HEADER = 'image_id,class_name,ndvi_mean,ndvi_std,timestamp'
const SUMMARY = /^\d+ events in \d+\.\d s, \d+ events\/s, \d+ rejected( \(stopped at --limit \d+\))?\n$/

function csv(...rows: string[]): string {
  const file = join(temporaryFolder(), 'tiles.csv')
  writeFileSync(file, `${[HEADER, ...rows].join('\n')}\n`)
  return file
}

interface Produced extends Finished {
  /** Lines of each record, the header first. */
  records: string[][]
}

async function produce(data: string, ...args: string[]): Promise<Produced> {
  const state = join(temporaryFolder(), 'state')
  const finished = await runProduce(['--data', data, '--state', state, '--delay', '0', ...args]).finished
  return { ...finished, records: existsSync(state) ? await recordsOfLog(state) : [] }
}

const idsIn = ({ records }: Produced) =>
  records.flatMap(([, ...lines]) => lines.map(line => (JSON.parse(line) as { image_id: string }).image_id))

describe('npm run produce', () => {
  it('publishes the rows of a file and says so in one line', async () => {
    const produced = await produce(csv('a,Forest,0.5,,2026-01-01T00:00:00Z', 'b,River,-0.1,0.2,2026-01-01T00:00:01Z'))
    expect(produced).toMatchObject({ code: 0, stderr: '' })
    expect(produced.stdout).toMatch(SUMMARY)
    expect(publishedBy(produced)).toBe(2)
    expect(idsIn(produced)).toEqual(['a', 'b'])
  })

  it('publishes the committed sample by default, at most 500 events', async () => {
    const state = join(temporaryFolder(), 'state')
    const produced = await runProduce(['--state', state, '--delay', '0']).finished
    expect(produced.code).toBe(0)
    expect(publishedBy(produced)).toBeGreaterThan(300)
    expect(publishedBy(produced)).toBeLessThanOrEqual(500)
  })

  it('ends at Ctrl-C with code 130, when the log has all events that were read', async () => {
    const state = join(temporaryFolder(), 'state')
    const file = writeEvents(join(temporaryFolder(), 'events.csv'), someEvents(250))
    const { child, finished } = runProduce(['--data', file, '--state', state, '--limit', '0', '--delay', '3600'])
    const published = async () => (existsSync(join(state, 'log.sqlite')) ? (await recordsOfLog(state)).length : 0)
    await eventually(published, records => records > 0)
    child.kill('SIGINT')
    const ended = await finished
    expect(ended.code).toBe(130)
    expect(ended.stderr).toContain('Stopping when the log has all events that were read')
    expect(publishedBy(ended)).toBe(1)
  })

  it('packs many events to a record without a delay, and one with it', async () => {
    const file = writeEvents(join(temporaryFolder(), 'events.csv'), someEvents(250))
    const packed = await produce(file, '--limit', '0')
    expect(idsIn(packed)).toHaveLength(250)
    expect(packed.records.length).toBeLessThan(10)
    const single = await produce(file, '--limit', '5', '--delay', '0.001')
    expect(single.records.map(({ length }) => length - 1)).toEqual([1, 1, 1, 1, 1])
    expect(JSON.parse(single.records[4]?.[0] as string)).toMatchObject({ landcover: { counter: 5 } })
  })

  it.each([
    ['0', 250, ''],
    ['101', 101, ' (stopped at --limit 101)'],
    ['1', 1, ' (stopped at --limit 1)'],
  ])('stops at --limit %s', async (limit, events, note) => {
    const file = writeEvents(join(temporaryFolder(), 'events.csv'), someEvents(250))
    const produced = await produce(file, '--limit', limit)
    expect(publishedBy(produced)).toBe(events)
    expect(produced.stdout.trimEnd().endsWith(`0 rejected${note}`)).toBe(true)
    expect(idsIn(produced)).toEqual(Array.from({ length: events }, (_, index) => `image-${index}`))
  })
})

describe('npm run produce takes the time of an image from the file', () => {
  const untimed = () => {
    const file = join(temporaryFolder(), 'tiles.csv')
    writeFileSync(file, 'image_id,class_name,ndvi_mean\na,Forest,0.5\n')
    return file
  }

  it('and publishes nothing where it has none', async () => {
    const produced = await produce(untimed())
    expect(produced.stderr).toMatch(/^tiles\.csv, row 1: no column timestamp; .*No time is invented/)
    expect(produced.code).toBe(1)
    expect(produced.records).toEqual([])
  })

  it('unless --now sets the times', async () => {
    const beforeMs = Date.now()
    const produced = await produce(untimed(), '--now')
    expect(produced.code).toBe(0)
    const { timestamp } = JSON.parse(produced.records[0]?.[1] as string) as { timestamp: string }
    expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(beforeMs)
    expect(Date.parse(timestamp)).toBeLessThanOrEqual(Date.now())
  })

  it('and publishes nothing from a file whose NDVI is in another scale, but everything with --scale', async () => {
    const rows = ['a,Forest,0,,2026-01-01', 'b,Forest,1,,2026-01-01', 'c,Forest,4200,,2026-01-01']
    const refused = await produce(csv(...rows))
    expect(refused.stderr).toContain('give --scale 0.0001')
    expect(refused.records).toEqual([])
    const scaled = await produce(csv(...rows), '--scale', '0.0001')
    expect(
      scaled.records
        .flat()
        .slice(1)
        .map(line => JSON.parse(line).ndvi_mean),
    ).toEqual([0, 0.0001, 0.42])
  })
})

describe('npm run produce names what is wrong', () => {
  it('a file that is not there', async () => {
    const produced = await produce('no/such/file.csv')
    expect(produced.stderr).toContain(
      'cannot read no/such/file.csv: give a CSV, JSON or Parquet file, or a folder of them',
    )
    expect(produced.code).toBe(1)
    expect(produced.records).toEqual([])
  })

  it('a folder without the files', async () => {
    const folder = temporaryFolder()
    const produced = await produce(folder)
    expect(produced.stderr).toContain(`${folder} has no files *.csv, *.json or *.parquet`)
    expect(produced.code).toBe(1)
  })

  it('a column that is missing', async () => {
    const file = join(temporaryFolder(), 'tiles.csv')
    writeFileSync(file, 'image_id,class_name\na,Forest\n')
    const produced = await produce(file)
    expect(produced.stderr).toMatch(
      /tiles\.csv, row 1: no column ndvi_mean, timestamp; the header has "image_id", "class_name"/,
    )
    expect(produced.code).toBe(1)
  })

  it('values that are not numbers, by file, row and column, and continues with the others', async () => {
    const produced = await produce(
      csv(
        'a,Forest,0.5,,2026-01-01T00:00:00Z',
        'b,Forest,many,,2026-01-01T00:00:00Z',
        'c,Forest,0.5,-1,2026-01-01T00:00:00Z',
        'd,Forest,,,2026-01-01T00:00:00Z',
        'e,Forest,0.5,,yesterday',
        'f,Forest,0.5,,2026-01-01T00:00:00Z',
      ),
    )
    const lines = produced.stderr.trimEnd().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(/^tiles\.csv, row 3, column ndvi_mean: .*"many"/),
      expect.stringMatching(/^tiles\.csv, row 5, column ndvi_mean: ndvi_mean is missing/),
      expect.stringMatching(/^tiles\.csv, row 6, column timestamp: .*"yesterday"/),
      '1 row: ndvi_std could not be used and is taken as not measured',
    ])
    expect(produced.stdout).toMatch(/^3 events in .* 3 rejected\n$/)
    expect(idsIn(produced)).toEqual(['a', 'c', 'f'])
    expect(produced.code).toBe(1)
  })

  it('twenty times, and counts the rest', async () => {
    const produced = await produce(
      csv(...Array.from({ length: 30 }, (_, index) => `${index},Forest,x,,2026-01-01T00:00:00Z`)),
    )
    const lines = produced.stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(21)
    expect(lines.at(-1)).toBe('… and 10 more')
    expect(produced.stdout).toMatch(/ 30 rejected\n$/)
  })

  it.each(['0', '0.001'])('and stops there with --strict, with what came before published (delay %s)', async delay => {
    const rows = ['a,Forest,0.5', 'b,Forest,0.4', 'c,Forest,many', 'd,Forest,0.5'].map(
      row => `${row},,2026-01-01T00:00:00Z`,
    )
    const produced = await produce(csv(...rows), '--strict', '--delay', delay)
    expect(produced.code).toBe(1)
    expect(produced.stderr).toMatch(/^tiles\.csv, row 4, column ndvi_mean: /)
    expect(idsIn(produced)).toEqual(['a', 'b'])
    expect(produced.stdout).toMatch(/^2 events in .* 1 rejected\n$/)
  })

  it.each([
    [['--limit', 'all'], /^--limit takes a whole number from 0 to \d+, not 'all'\n/],
    [['--delay', 'soon'], /^--delay takes seconds from 0 to 3600, not 'soon'\n/],
    [['--topic', 'other'], /^--topic: .* image-events/],
    [['--verbose'], /^Unknown option '--verbose'/],
  ])('a flag, with exit code 2: %j', async (args, message) => {
    const { code, stdout, stderr } = await runProduce(['--state', join(temporaryFolder(), 'state'), ...args]).finished
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/See --help\.\n$/)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})
