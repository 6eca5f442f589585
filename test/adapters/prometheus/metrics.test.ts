import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Observed, prometheusMetrics } from '../../../functions/adapters/prometheus/metrics.ts'
import { REJECTION_REASONS } from '../../../functions/core/record.ts'
import type { Measurement } from '../../../functions/ports/metrics.ts'
import { scraped } from '../../support/scraped.ts'

/** Prometheus' own checker of texts: apt-get install prometheus. */
const hasPromtool = spawnSync('promtool', ['--version']).status === 0

function open(observed: readonly Observed[] = []) {
  const metrics = prometheusMetrics('landcover', async () => observed)
  return { ...metrics, scrape: async () => scraped((await metrics.text()).body) }
}

const SPEED = { consumer: 'speed', lane: 'stream.0' } as const

describe('metrics for Prometheus', () => {
  it('add up the counts of deliveries, by consumer', async () => {
    const { record, scrape } = open()
    record({ ...SPEED, values: { records: 3, counted: 40 } })
    record({ ...SPEED, lane: 'stream.1', values: { records: 2, counted: 2 } })
    record({ consumer: 'archive', lane: 'stream.0', values: { records: 7 } })
    const { value, types } = await scrape()
    expect(value('landcover_records_total', { consumer: 'speed' })).toBe(5)
    expect(value('landcover_records_total', { consumer: 'archive' })).toBe(7)
    expect(value('landcover_counted_total', { consumer: 'speed' })).toBe(42)
    expect([types.get('landcover_records_total'), types.get('landcover_applyMs')]).toEqual(['counter', 'histogram'])
  })

  it('count refusals by reason, and their sum is the total of CloudWatch', async () => {
    const { record, scrape } = open()
    record({ ...SPEED, values: { quarantined: 3, 'quarantined.not-json': 2, 'quarantined.not-utf8': 1 } })
    const { value, of } = await scrape()
    expect(value('landcover_quarantined_total', { reason: 'not-json' })).toBe(2)
    const all = of('landcover_quarantined_total', { consumer: 'speed' })
    expect(all.map(({ labels }) => labels.reason)).toEqual([...REJECTION_REASONS])
    expect(all.reduce((sum, each) => sum + each.value, 0)).toBe(3)
  })

  it('start every counter and histogram at 0, so that the first event is an increase', async () => {
    const { value, of } = await open().scrape()
    expect(value('landcover_lost_total', { consumer: 'speed' })).toBe(0)
    expect(value('landcover_deliveriesGivenBack_total', { consumer: 'archive' })).toBe(0)
    expect(value('landcover_quarantined_total', { reason: 'not-json' })).toBe(0)
    expect(value('landcover_endToEndDelayMs_count', { consumer: 'speed' })).toBe(0)
    expect(of('landcover_cutAgeMs')).toEqual([])
  })

  it('keep times as histograms, and the age of the cut and the wait for compaction as their last value', async () => {
    const { record, scrape } = open()
    for (const applyMs of [4, 90, 700_000]) record({ ...SPEED, values: { applyMs } })
    for (const cutAgeMs of [9_000, 5_000]) record({ consumer: 'batch', values: { cutAgeMs } })
    record({ consumer: 'compaction', values: { compactionBehindMs: 0 } })
    const { value } = await scrape()
    const upTo = (le: string) => value('landcover_applyMs_bucket', { consumer: 'speed', le })
    expect(['5', '100', '300000', '+Inf'].map(upTo)).toEqual([1, 2, 2, 3])
    expect([value('landcover_applyMs_count'), value('landcover_applyMs_sum')]).toEqual([3, 700_094])
    expect(value('landcover_cutAgeMs', { consumer: 'batch' })).toBe(5_000)
    expect(value('landcover_compactionBehindMs', { consumer: 'compaction' })).toBe(0)
  })

  it('do not use the lane as a label: a stream gets new lanes all the time', async () => {
    const { record, text } = open()
    const before = (await text()).body.split('\n').filter(line => line.startsWith('landcover')).length
    for (let lane = 0; lane < 50; lane++) {
      record({ consumer: 'speed', lane: `stream.${lane}`, values: { records: 1, applyMs: lane, iteratorAgeMs: 1 } })
    }
    expect((await text()).body.split('\n').filter(line => line.startsWith('landcover'))).toHaveLength(before)
  })

  it('show what is measured at the scrape, and nothing for what is not known then', async () => {
    const help = 'A lag'
    const observed: Observed[] = [{ name: 'lagMs', help, value: 5 }]
    const { scrape } = open(observed)
    expect((await scrape()).value('landcover_lagMs')).toBe(5)
    observed[0] = { name: 'lagMs', help, value: null }
    expect((await scrape()).value('landcover_lagMs')).toBeUndefined()
    observed[0] = { name: 'lagMs', help, value: 7 }
    expect((await scrape()).value('landcover_lagMs')).toBe(7)
  })

  it('include those of the process', async () => {
    const { value } = await open().scrape()
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(0)
  })

  it('never throw, and stay a valid text, for any figures', async () => {
    const names = ['records', 'lost', 'quarantined.empty', 'applyMs', 'endToEndDelayMs', 'cutAgeMs'] as const
    const value = fc.oneof(fc.double(), fc.integer(), fc.constant(null), fc.constant(undefined))
    const values = fc.dictionary(fc.constantFrom(...names, 'toString'), value)
    const consumer = fc.constantFrom('speed' as const, 'archive' as const)
    const { record, scrape } = open()
    await fc.assert(
      fc.asyncProperty(fc.record({ consumer, values }), async measurement => {
        record(measurement as Measurement)
        expect((await scrape()).value('landcover_records_total')).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 50 },
    )
  })

  it.skipIf(!hasPromtool)('are a text that Prometheus itself accepts', async () => {
    const { record, text } = open([{ name: 'degraded', help: 'Degraded', value: 0 }])
    record({ ...SPEED, values: { records: 3, 'quarantined.not-json': 2, applyMs: 4, endToEndDelayMs: 1 } })
    const { contentType, body } = await text()
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })
    // Code 3 is advice, for example about units: ours have the names of CloudWatch.
    expect([0, 3], checked.stderr).toContain(checked.status)
    expect(checked.stderr).not.toContain('error while linting')
  })
})
