import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { emfMetrics } from '../../../functions/adapters/aws/emf-metrics.ts'
import type { Measurement } from '../../../functions/ports/metrics.ts'
import { NOON_MS } from '../../support/factories.ts'

/**
 * The rules of the Amazon CloudWatch User Guide, "Specification: Embedded metric format", and of the pages that it
 * refers to: MetricDatum and Dimension of the CloudWatch API Reference.
 */
const UNITS =
  /^(Seconds|Microseconds|Milliseconds|(Kilo|Mega|Giga|Tera)?(byte|bit)s(\/Second)?|Percent|Count(\/Second)?|None)$/i
const Name = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[\x20-\x7e]*$/)
const DimensionSet = z.array(Name.regex(/^[^:]/)).max(30)
const MetricDefinition = z.strictObject({
  Name,
  Unit: z.string().regex(UNITS).optional(),
  StorageResolution: z.union([z.literal(1), z.literal(60)]).optional(),
})
const MetricDirective = z.strictObject({
  Namespace: Name.regex(/^[^:]/),
  Dimensions: z.array(DimensionSet).min(1),
  Metrics: z.array(MetricDefinition).min(1).max(100),
})
const Metadata = z.strictObject({
  CloudWatchMetrics: z.array(MetricDirective),
  Timestamp: z.int().positive(),
})
const MetricTarget = z.union([z.number(), z.array(z.number()).max(100)])
const DimensionTarget = z
  .string()
  .min(1)
  .max(1024)
  .regex(/^[\x20-\x7e]*$/)
const Document = z.looseObject({ _aws: Metadata }).superRefine((root, context) => {
  for (const { Dimensions, Metrics } of root._aws.CloudWatchMetrics) {
    const targets = [
      ...Metrics.map(metric => [metric.Name, MetricTarget] as const),
      ...Dimensions.flat().map(dimension => [dimension, DimensionTarget] as const),
    ]
    for (const [name, target] of targets) {
      if (!target.safeParse(root[name]).success) context.addIssue(`${name} has no target of its kind on the root`)
    }
    const names = targets.map(([name]) => name)
    if (new Set(names).size < names.length) context.addIssue('two targets have one name')
  }
})
/** A log event of CloudWatch, and therefore a document, may have 256 KB. */
const MAX_BYTES = 256 * 1024

function written(...measurements: Measurement[]): string[] {
  const lines: string[] = []
  const metrics = emfMetrics(line => lines.push(line))
  vi.useFakeTimers({ now: NOON_MS, toFake: ['Date'] })
  for (const measurement of measurements) metrics.record(measurement)
  vi.useRealTimers()
  return lines
}

const MEASUREMENT: Measurement = {
  consumer: 'speed',
  lane: 'stream.shardId-000000000000',
  values: { records: 3, 'quarantined.not-json': 2, endToEndDelayMs: 120.5, deliveriesGivenBack: 0 },
}

describe('a measurement', () => {
  it('becomes one line: a document that follows the specification', () => {
    const [line, ...more] = written(MEASUREMENT)
    expect(more).toEqual([])
    expect(line).toMatch(/^[^\n]+\n$/)
    expect(Document.parse(JSON.parse(line as string))).toEqual({
      _aws: {
        Timestamp: NOON_MS,
        CloudWatchMetrics: [
          {
            Namespace: 'landcover',
            Dimensions: [['consumer']],
            Metrics: [
              { Name: 'records', Unit: 'Count' },
              { Name: 'quarantined.not-json', Unit: 'Count' },
              { Name: 'endToEndDelayMs', Unit: 'Milliseconds' },
              { Name: 'deliveriesGivenBack', Unit: 'Count' },
            ],
          },
        ],
      },
      consumer: 'speed',
      lane: 'stream.shardId-000000000000',
      records: 3,
      'quarantined.not-json': 2,
      endToEndDelayMs: 120.5,
      deliveriesGivenBack: 0,
    })
  })

  it('follows the specification for any figures', () => {
    const names = ['records', 'late', 'quarantined.not-utf8', 'applyMs', 'endToEndDelayMs', 'iteratorAgeMs'] as const
    const value = fc.oneof(fc.double(), fc.integer(), fc.constant(null))
    const values = fc.dictionary(fc.constantFrom(...names), value)
    const consumer = fc.constantFrom('speed' as const, 'archive' as const)
    fc.assert(
      fc.property(fc.record({ consumer, lane: fc.stringMatching(/^[\w.-]{1,200}$/), values }), measurement => {
        for (const line of written(measurement)) {
          expect(Buffer.byteLength(line)).toBeLessThan(MAX_BYTES)
          Document.parse(JSON.parse(line))
        }
      }),
    )
  })

  it('leaves out what was not measured, and writes no line when nothing was measured', () => {
    const [line] = written({ ...MEASUREMENT, values: { records: 1, endToEndDelayMs: null, applyMs: Number.NaN } })
    expect(line).not.toMatch(/endToEndDelayMs|applyMs|null/)
    expect(written({ ...MEASUREMENT, values: { endToEndDelayMs: null } })).toEqual([])
  })

  it('contains nothing from the previous measurement', () => {
    const [, line] = written(MEASUREMENT, { consumer: 'batch', values: { cutAgeMs: 1 } })
    const { _aws, ...root } = Document.parse(JSON.parse(line as string))
    expect(root).toEqual({ consumer: 'batch', cutAgeMs: 1 })
    expect(_aws.CloudWatchMetrics[0]?.Metrics.map(({ Name }) => Name)).toEqual(['cutAgeMs'])
  })

  it('does not use the lane as a dimension: each lane would cost a metric', () => {
    const lanes = Array.from({ length: 50 }, (_, index) => `stream.${index}`)
    const identities = written(...lanes.map(lane => ({ ...MEASUREMENT, lane }))).map(line => {
      const { _aws, ...root } = Document.parse(JSON.parse(line))
      return JSON.stringify(_aws.CloudWatchMetrics[0]?.Dimensions.flat().map(key => [key, root[key]]))
    })
    expect(new Set(identities)).toEqual(new Set(['[["consumer","speed"]]']))
  })
})

describe('the check', () => {
  const [line] = written(MEASUREMENT)
  it.each([
    ['a metric that is text', { records: '3' }],
    ['a metric that is missing', { records: undefined }],
    ['a dimension that is a number', { consumer: 7 }],
    ['more than a hundred values', { records: Array.from({ length: 101 }, () => 1) }],
    ['no metadata', { _aws: undefined }],
    ['a time in ISO 8601', { _aws: { Timestamp: '2026-11-22T12:00:00Z', CloudWatchMetrics: [] } }],
    ['custom metadata', { _aws: { Timestamp: NOON_MS, CloudWatchMetrics: [], more: 1 } }],
  ])('notices %s', (_, changes) => {
    expect(Document.safeParse({ ...JSON.parse(line as string), ...changes }).success).toBe(false)
  })
})
