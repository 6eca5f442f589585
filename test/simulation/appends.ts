import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Random, randomNumbers } from '../../data/random.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import type { AppendOutcome, EventLog } from '../../functions/ports/event-log.ts'

/**
 * Plays appends of several producers to an embedded log at once. Some of them make their commit fail. Checks the laws
 * of an acknowledgement. Usage: node test/simulation/appends.ts HISTORIES
 */
const PRODUCERS = 5
const APPENDS = 12
/** Share of the records that make their commit fail. */
const REFUSED = 0.1
/** Share of the appends that wait for the one before. */
const WAITING = 0.3
const MOST_TURNS = 4

interface Sent {
  producer: number
  /** 'refused' makes its commit fail. */
  kind: string
  text: string
  error?: unknown
}

// Node ends with this code when only a promise is left that will never settle.
process.on('exit', code => {
  if (code !== 13) return
  process.stdout.write('an append that was never answered breaks a law\n')
  process.exitCode = 1
})

const histories = Number(process.argv[2])
for (let seed = 1; seed <= histories; seed++) {
  const breaches = await playAppends(seed)
  if (breaches.length === 0) continue
  process.stdout.write(`seed ${seed} breaks a law:\n  ${breaches.slice(0, 3).join('\n  ')}\n`)
  process.exit(1)
}
process.stdout.write(`${histories} histories of appends, no law broken\n`)

async function playAppends(seed: number): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'landcover-appends-'))
  const file = join(folder, 'log.sqlite')
  const log = openSqliteEventLog({ file, shards: 2 })
  const other = new DatabaseSync(file)
  other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON record WHEN CAST(NEW.data AS TEXT) LIKE '%refused'
    BEGIN SELECT RAISE(ABORT, 'refused'); END`)
  const breaches: string[] = []
  const sent: Sent[] = []
  try {
    const history = { random: randomNumbers(seed, 0, 0), log, sent, breaches, other }
    const producers = Array.from({ length: PRODUCERS }, (_, producer) => producer)
    await Promise.all(producers.map(producer => appendOne(history, producer, 'first')))
    await Promise.all(producers.map(producer => appendSome(history, producer)))
    await Promise.all(producers.map(producer => appendOne(history, producer, 'last')))
    await log.close()
    breaches.push(...breachesOf(sent, other))
  } finally {
    other.close()
    rmSync(folder, { recursive: true })
  }
  return breaches
}

interface History {
  random: Random
  log: EventLog
  sent: Sent[]
  breaches: string[]
  /** Another connection to the log's file, which sees only what is committed. */
  other: DatabaseSync
}

/** Resolves when all appends have an answer. */
async function appendSome(history: History, producer: number): Promise<void> {
  const { random } = history
  const appended: Promise<void>[] = []
  for (let n = 0; n < APPENDS; n++) {
    const last = appendOne(history, producer, random() < REFUSED ? 'refused' : 'stored')
    appended.push(last)
    if (random() < WAITING) await last
    else await turns(Math.floor(random() * MOST_TURNS))
  }
  await Promise.all(appended)
}

async function appendOne({ log, sent, breaches, other }: History, producer: number, kind: string): Promise<void> {
  const each: Sent = { producer, kind, text: `${producer} ${sent.length} ${kind}` }
  sent.push(each)
  try {
    const [outcome] = await log.append([{ key: `${producer}`, data: Buffer.from(each.text) }])
    if (textAt(other, outcome as AppendOutcome) !== each.text) {
      breaches.push(`${each.text} is acknowledged, and not committed`)
    }
  } catch (error) {
    each.error = error
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn()
}

function textAt(database: DatabaseSync, outcome: AppendOutcome): string | undefined {
  if ('error' in outcome) return undefined
  const select = database.prepare('SELECT CAST(data AS TEXT) AS text FROM record WHERE sequence = ?')
  return select.get(Number(outcome.position))?.text as string | undefined
}

function breachesOf(sent: readonly Sent[], database: DatabaseSync): string[] {
  const rows = database.prepare('SELECT CAST(data AS TEXT) AS text FROM record ORDER BY sequence').all()
  const stored = rows.map(({ text }) => String(text))
  const breaches: string[] = []
  if (new Set(stored).size < stored.length) breaches.push('a record is stored twice')
  for (const { kind, text, error } of sent) {
    if (error && stored.includes(text)) breaches.push(`${text} is said to have failed, and is stored`)
    if (!error && !stored.includes(text)) breaches.push(`${text} is acknowledged, and not stored`)
    if (!error && kind === 'refused') breaches.push(`${text} made its commit fail, and is acknowledged`)
    if (error && !(error as Error).message.includes('refused'))
      breaches.push(`${text} failed: ${(error as Error).message}`)
    // None of these shares a commit with a failing one.
    if (error && (kind === 'first' || kind === 'last')) breaches.push(`${text} failed with another's commit`)
  }
  for (let producer = 0; producer < PRODUCERS; producer++) {
    const counters = stored.filter(text => text.startsWith(`${producer} `)).map(text => Number(text.split(' ')[1]))
    if (counters.some((counter, index) => index > 0 && counter < (counters[index - 1] as number))) {
      breaches.push(`the records of producer ${producer} have changed their order: ${counters.join(', ')}`)
    }
  }
  return breaches
}
