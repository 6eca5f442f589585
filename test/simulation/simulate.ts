import { runCommand, UsageError, wholeNumber } from '../../functions/cli/command.ts'
import { playHistory } from './history.ts'
import { breaches } from './laws.ts'
import { type HistoryOptions, TROUBLES, type Trouble } from './world.ts'

const STEPS = 250

await runCommand(
  {
    usage: 'npm run simulate -- [flags]',
    summary: 'Plays random histories of the speed layer and holds each against its laws; stops at the first breach.',
    flags: {
      histories: { type: 'string', value: 'N', default: '1000', help: 'How many histories to play' },
      seed: { type: 'string', value: 'S', default: '1', help: 'Seed of the first history; the next has the next' },
      steps: { type: 'string', value: 'N', default: String(STEPS), help: 'Steps of a history before it comes to rest' },
      'batch-in': { type: 'string', value: 'N', default: '10', help: 'The batch layer takes part in one history of N' },
      'as-found': { type: 'boolean', help: 'Do not search for the smallest history that breaks the law' },
      without: { type: 'string', value: 'TROUBLES', default: '', help: `Leave out: ${TROUBLES.join(', ')}` },
    },
  },
  async flags => {
    const histories = wholeNumber('histories', flags.histories, 1, Number.MAX_SAFE_INTEGER)
    const first = wholeNumber('seed', flags.seed, 0, 2 ** 32 - 1)
    const steps = wholeNumber('steps', flags.steps, 1, 100_000)
    const batchIn = wholeNumber('batch-in', flags['batch-in'], 1, Number.MAX_SAFE_INTEGER)
    const without = new Set(flags.without.split(',').filter(Boolean).map(troubleNamed))
    const startedMs = Date.now()
    let deliveries = 0
    for (let index = 0; index < histories; index++) {
      const options: HistoryOptions = { seed: first + index, steps, without, withBatch: (index + 1) % batchIn === 0 }
      const outcome = await playHistory(options)
      const found = await breaches(outcome)
      await outcome.store.close()
      deliveries += outcome.deliveries
      if (found.length === 0) continue
      process.stdout.write(
        `seed ${options.seed} breaks a law after ${index + 1} histories:\n  ${found.slice(0, 3).join('\n  ')}\n`,
      )
      if (flags['as-found']) return 1
      const smallest = await shrink(options)
      process.stdout.write(
        `smallest that does: npm run simulate -- ${replay(smallest)}\n  ${(await play(smallest)).slice(0, 3).join('\n  ')}\n`,
      )
      return 1
    }
    const seconds = (Date.now() - startedMs) / 1000
    process.stdout.write(`${histories} histories, ${deliveries} deliveries, no law broken, ${seconds.toFixed(1)} s\n`)
    return 0
  },
)

async function play(options: HistoryOptions): Promise<string[]> {
  const outcome = await playHistory(options)
  const found = await breaches(outcome)
  await outcome.store.close()
  return found
}

/** Tries fewer troubles first, then fewer steps: finds the smallest history of the seed that still breaks a law. */
async function shrink(options: HistoryOptions): Promise<HistoryOptions> {
  let smallest = options
  for (const trouble of TROUBLES) {
    const smaller = { ...smallest, without: new Set([...smallest.without, trouble]) }
    if ((await play(smaller)).length > 0) smallest = smaller
  }
  for (let cut = Math.floor(smallest.steps / 2); cut >= 1; ) {
    const smaller = { ...smallest, steps: smallest.steps - cut }
    if (smaller.steps >= 1 && (await play(smaller)).length > 0) smallest = smaller
    else cut = Math.floor(cut / 2)
  }
  return smallest
}

function replay({ seed, steps, without, withBatch }: HistoryOptions): string {
  return `--histories 1 --seed ${seed} --steps ${steps}${withBatch ? ' --batch-in 1' : ''}${without.size > 0 ? ` --without ${[...without].join()}` : ''}`
}

function troubleNamed(name: string): Trouble {
  const trouble = TROUBLES.find(known => known === name)
  if (!trouble) throw new UsageError(`--without: there is no trouble '${name}'; there are ${TROUBLES.join(', ')}`)
  return trouble
}
