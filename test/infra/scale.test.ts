import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stageToPrice } from '../../infra/tools/cost.ts'
import { ASSUMED, DEPLOYED } from '../../infra/tools/cost-assumptions.ts'
import { eventsOfLane, onMsk } from '../../infra/tools/cost-log.ts'
import type { Load } from '../../infra/tools/cost-model.ts'
import { ASSUMPTION, limitsOf, SETTING, scaleOf } from '../../infra/tools/limits.ts'
import { synthesized } from './synthesized.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = readFileSync(join(ROOT, 'docs/scale.md'), 'utf8')
const loadOf = (eventsPerSecond: number, eventsPerRecord = 500): Load => ({
  ...{ eventsPerSecond, eventsPerRecord, dashboards: 0, months: 12 },
})
const brokers = { brokers: 3, brokerType: 'kafka.m7g.large' } as const
const KINESIS = limitsOf(stageToPrice('prod'), loadOf(10_000))
const LIMITS = [
  ...KINESIS,
  ...limitsOf(onMsk(stageToPrice('prod'), brokers, loadOf(10_000)), loadOf(10_000)).filter(
    ({ name }) => !KINESIS.some(each => each.name === name),
  ),
]

describe('docs/scale.md', () => {
  const examples = Array.from(PAGE.matchAll(/^ {4}npx node (infra\/tools\/cost\.ts.*)\n\n((?:\|.*\n)+)/gm))

  it('shows 10,000, 100,000 and 1,000,000 events a second on both logs', () => {
    expect(examples).toHaveLength(3)
    for (const [, command] of examples) expect(command).toContain('--events 10000,100000,1000000')
    expect(examples.filter(([, command]) => command?.includes('--log msk'))).toHaveLength(1)
  })

  it.each(examples.map(([, command, table]) => [command, table]))('shows what %s prints', (command, table) => {
    const options = { cwd: ROOT, encoding: 'utf8' } as const
    const { stdout, stderr } = spawnSync(process.execPath, (command as string).split(' '), options)
    expect(stderr).toBe('')
    expect(table).toBe(stdout)
  })

  const rows = PAGE.slice(PAGE.indexOf('\n## Limits'))
    .split('\n')
    .filter(line => line.startsWith('|'))
    .map(line => line.split('|').map(cell => cell.trim()))
    .slice(2)

  it.each(LIMITS)('names the limit $name, and where it comes from', ({ name, source }) => {
    const row = rows.find(([, named]) => named === name)
    const kind = source === SETTING || source === ASSUMPTION ? source : 'quota'
    expect(row?.[3]).toBe(kind)
    if (kind === 'quota') expect(row?.[2]).toContain(`](${source})`)
  })

  it('names no limit that the program does not compare', () => {
    expect(rows.map(([, name]) => name).sort()).toEqual(LIMITS.map(({ name }) => name).sort())
  })
})

describe('the limits', () => {
  it('of a load that is twice as high are never less full', () => {
    const before = new Map(limitsOf(stageToPrice('prod'), loadOf(50_000)).map(({ name, used }) => [name, used]))
    for (const { name, used } of limitsOf(stageToPrice('prod'), loadOf(100_000))) {
      // More shards share the lanes' work.
      if (name !== 'speed layer of a lane') expect(used, name).toBeGreaterThanOrEqual(before.get(name) as number)
    }
  })

  it('are those of the deployed stages: batches of the speed layer, and pollers', async () => {
    const mappings = (await synthesized('prod on MSK')).properties('AWS::Lambda::EventSourceMapping')
    expect(mappings.map(({ BatchSize }) => BatchSize)).toContain(DEPLOYED.speedBatch)
    const pollers = LIMITS.find(({ name }) => name === 'event pollers')
    for (const { ProvisionedPollerConfig } of mappings) {
      expect(ProvisionedPollerConfig).toMatchObject({ MaximumPollers: pollers?.limit })
    }
  })
})

it('a stage on MSK is sized so that no partition does more than half of what the speed layer can', () => {
  for (const packed of [1, 500]) {
    const load = loadOf(1_000_000, packed)
    const { lanes } = scaleOf(onMsk(stageToPrice('prod'), brokers, load), load)
    expect(load.eventsPerSecond / lanes).toBeLessThanOrEqual(eventsOfLane(packed) / 2)
  }
  // A delivery of 1,000 records of one event: 50 ms, and 10 µs for each event.
  expect(eventsOfLane(1)).toBeCloseTo(1_000 / 0.06, 0)
  expect(ASSUMED.functions.speed).toMatchObject({ seconds: 0.05, perEvent: 0.00001 })
})
