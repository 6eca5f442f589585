import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { stageToPrice } from '../../infra/tools/cost.ts'
import { ASSUMED, DEPLOYED } from '../../infra/tools/cost-assumptions.ts'
import { onMsk } from '../../infra/tools/cost-log.ts'
import { type Load, monthlyCost } from '../../infra/tools/cost-model.ts'
import { PRICES } from '../../infra/tools/cost-prices.ts'
import { type Synthesized, synthesized } from './synthesized.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = readFileSync(join(ROOT, 'docs/cost.md'), 'utf8')
const AT_REST: Load = { eventsPerSecond: 0, eventsPerRecord: 1, dashboards: 0, months: 0 }

const sumOf = (name: string, load: Load) =>
  Object.values(monthlyCost(stageToPrice(name), load)).reduce((sum, dollars) => sum + dollars, 0)

describe('the cost model', () => {
  const loads = fc.record({
    eventsPerSecond: fc.double({ min: 0, max: 900, noNaN: true }),
    eventsPerRecord: fc.integer({ min: 1, max: 500 }),
    dashboards: fc.double({ min: 0, max: 100, noNaN: true }),
    months: fc.double({ min: 0, max: 120, noNaN: true }),
  })
  const stages = fc.constantFrom('dev', 'prod')

  it('gives a number of dollars for each service and any load', () => {
    fc.assert(
      fc.property(stages, loads, (name, load) => {
        for (const [service, dollars] of Object.entries(monthlyCost(stageToPrice(name), load))) {
          expect(Number.isFinite(dollars), service).toBe(true)
          expect(dollars, service).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  it('never says that more load costs less', () => {
    const keys = fc.constantFrom('eventsPerSecond' as const, 'dashboards' as const, 'months' as const)
    const times = fc.double({ min: 1, max: 3, noNaN: true })
    fc.assert(
      fc.property(loads, keys, times, (load, key, factor) => {
        const more = { ...load, [key]: load[key] * factor }
        // The tolerance is for rounding of sums.
        expect(sumOf('prod', more)).toBeGreaterThanOrEqual(sumOf('prod', load) * (1 - 1e-9))
      }),
    )
  })

  it('counts enhanced fan-out by shard-hour and GB, and on demand by GB only', () => {
    const month = 730 * 3600
    // A record of 1,000 bytes or less counts as one of 1,024.
    const load: Load = { ...AT_REST, eventsPerSecond: 100 }
    const more = (name: string) => {
      const stage = stageToPrice(name)
      if (stage.eventLog.kind !== 'kinesis') throw new Error(`${name} is on Kafka`)
      const withReaders = { ...stage, eventLog: { ...stage.eventLog, enhancedFanOut: true } }
      return (monthlyCost(withReaders, load).Kinesis as number) - (monthlyCost(stage, load).Kinesis as number)
    }
    const readTwice = (2 * 100 * month * 1024) / 1024 ** 3
    expect(more('dev')).toBeCloseTo(2 * 730 * 0.015 + readTwice * 0.013, 1)
    expect(more('prod')).toBeCloseTo(readTwice * 0.01, 1)
  })

  it('finds that the shard of a stage at rest costs more than any other service', () => {
    const costs = monthlyCost(stageToPrice('dev'), AT_REST)
    const [[mostExpensive, dollars] = []] = Object.entries(costs).sort(([, a], [, b]) => b - a)
    expect(mostExpensive).toBe('Kinesis')
    expect(dollars).toBeCloseTo(PRICES.shard.dollars * 730, 1)
  })

  describe('of a stage on MSK', () => {
    const load: Load = { ...AT_REST, eventsPerSecond: 1_000, eventsPerRecord: 500 }
    const small = onMsk(stageToPrice('dev'), { brokers: 2, brokerType: 'kafka.t3.small' }, load)

    it('counts brokers, their disks, and the pollers of both consumers', () => {
      const costs = monthlyCost(small, load)
      // Two disks of 11 GB, twice of what 24 hours need; two pollers share a unit.
      expect(costs['MSK, pollers']).toBeCloseTo(2 * 730 * 0.0456 + 2 * 11 * 0.1 + 730 * 0.185, 0)
      expect(costs).not.toHaveProperty('Kinesis')
    })

    it('asks for the price of a broker that could not be confirmed', () => {
      const large = onMsk(stageToPrice('prod'), { brokers: 3, brokerType: 'kafka.m7g.large' }, load)
      expect(() => monthlyCost(large, load)).toThrow('give it with --broker-hour')
      const cost = (brokerHour: number) => monthlyCost(large, { ...load, brokerHour })['MSK, pollers'] as number
      expect(cost(1.5) - cost(0.5)).toBeCloseTo(3 * 730, 6)
    })

    it('refuses a Kafka that exists outside of the stage', () => {
      const eventLog = { kind: 'kafka', brokers: ['a:1'], topic: 't', secretArn: null, network: null } as const
      expect(() => monthlyCost({ ...small, eventLog: { ...eventLog, brokers: ['a:1'] } }, load)).toThrow('of its own')
    })
  })

  it('refuses a load that needs more shards than the stage has', () => {
    expect(() => monthlyCost(stageToPrice('dev'), { ...AT_REST, eventsPerSecond: 1_001 })).toThrow('needs 2 shards')
  })

  it('knows the number of alarms of a stage on MSK', async () => {
    const alarms = (await synthesized('prod on MSK')).properties('AWS::CloudWatch::Alarm')
    expect(alarms).toHaveLength(ASSUMED.alarms.msk + ASSUMED.allowlistAlarms)
  })

  describe.each(['dev', 'prod'] as const)('for stage %s', stage => {
    let deployed: Synthesized
    beforeAll(async () => {
      deployed = await synthesized(stage)
    })

    it('uses the memory of the deployed functions', () => {
      const memory = new Map(
        deployed.properties('AWS::Lambda::Function').map(each => [each.FunctionName, each.MemorySize]),
      )
      for (const [name, { memoryMb }] of Object.entries(ASSUMED.functions)) {
        expect(memory.get(`landcover-${stage}-${name}`), name).toBe(memoryMb)
      }
    })

    it('uses the batch settings, alarms and dashboards of the deployed stage', () => {
      const batches = deployed.properties('AWS::Lambda::EventSourceMapping')
      expect(batches).toContainEqual(
        expect.objectContaining({
          BatchSize: DEPLOYED.archiveBatch,
          MaximumBatchingWindowInSeconds: DEPLOYED.archiveWindowSeconds,
        }),
      )
      const [cache] = deployed
        .properties('AWS::CloudFront::CachePolicy')
        .map(({ CachePolicyConfig }) => CachePolicyConfig)
      expect(cache).toMatchObject({ DefaultTTL: DEPLOYED.sharedSeconds })
      const alarms = ASSUMED.alarms.kinesis + (stage === 'prod' ? ASSUMED.allowlistAlarms : 0)
      expect(deployed.properties('AWS::CloudWatch::Alarm')).toHaveLength(alarms)
      expect(deployed.properties('AWS::CloudWatch::Dashboard')).toHaveLength(ASSUMED.dashboards)
      expect(deployed.properties('AWS::SecretsManager::Secret')).toHaveLength(1)
    })
  })
})

describe('docs/cost.md', () => {
  const examples = Array.from(PAGE.matchAll(/^ {4}npx node (infra\/tools\/cost\.ts.*)\n\n((?:\|.*\n)+)/gm))

  it('shows both stages with 20, 200 and 2,000 events a second', () => {
    expect(examples.map(([, command]) => command).join('\n')).toContain('--events 20,200,2000')
    expect(examples.length).toBeGreaterThan(1)
  })

  it.each(examples.map(([, command, table]) => [command, table]))('shows what %s prints', (command, table) => {
    const { stdout, stderr } = spawnSync(process.execPath, (command as string).split(' '), {
      cwd: ROOT,
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(table).toBe(stdout)
  })

  it.each(Object.entries(PRICES))('has the same price %s as the program', (_, { dollars, per, unit, page }) => {
    const cells = PAGE.split('\n')
      .filter(line => line.startsWith('|'))
      .map(line => line.split('|').map(cell => cell.trim()))
    const unitText = `${per === 1 ? '' : `${per.toLocaleString('en')} `}${unit}`
    const row = cells.find(([, , named]) => named === unitText)
    expect(row, unitText).toBeDefined()
    expect(Number(row?.[1])).toBe(dollars)
    expect(PAGE).toContain(page)
    expect(row?.[3]?.length, 'names its source').toBeGreaterThan(1)
  })
})
