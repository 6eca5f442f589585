import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { REJECTION_REASONS, type RejectionReason } from '../../core/record.ts'
import type { Measurement, MetricName, Metrics } from '../../ports/metrics.ts'

/** Metrics that Prometheus scrapes. */
export interface PrometheusMetrics extends Metrics {
  /** Returns all metrics in Prometheus' text format, with its media type. */
  text(): Promise<{ contentType: string; body: string }>
}

/** Value that is measured when Prometheus asks. */
export interface Observed {
  name: string
  help: string
  /** Value; null means "not known", and the metric has no sample. */
  value: number | null
}

type Consumer = Measurement['consumer']
type PlainName = Exclude<MetricName, `quarantined.${RejectionReason}` | 'quarantined'>

interface Description {
  /** A counter adds up, a histogram counts how often values were within limits, a gauge shows the last value. */
  kind: 'counter' | 'histogram' | 'gauge'
  help: string
  consumers: readonly Consumer[]
}

const SPEED: readonly Consumer[] = ['speed']
const ARCHIVE: readonly Consumer[] = ['archive']
const BOTH: readonly Consumer[] = ['speed', 'archive']

const DESCRIPTIONS: Record<PlainName, Description> = {
  records: { kind: 'counter', help: 'Records of deliveries', consumers: BOTH },
  skippedRecords: { kind: 'counter', help: 'Records that were copies or already applied', consumers: SPEED },
  counted: { kind: 'counter', help: 'Events that were added to totals', consumers: SPEED },
  late: { kind: 'counter', help: 'Counted events that were late', consumers: SPEED },
  unusedValues: { kind: 'counter', help: 'Optional values that cannot be used', consumers: SPEED },
  lost: { kind: 'counter', help: 'Records that the log removed before they were read', consumers: SPEED },
  alerts: { kind: 'counter', help: 'Unusual images', consumers: SPEED },
  rowsWritten: { kind: 'counter', help: 'Rows written to the speed store', consumers: SPEED },
  files: { kind: 'counter', help: 'Files written to the archive', consumers: ARCHIVE },
  events: { kind: 'counter', help: 'Events in these files', consumers: ARCHIVE },
  deliveriesGivenBack: { kind: 'counter', help: 'Deliveries that failed and come again', consumers: BOTH },
  applyMs: { kind: 'histogram', help: 'Duration of a delivery, ms', consumers: SPEED },
  endToEndDelayMs: {
    kind: 'histogram',
    help: 'Time from the sending of a heartbeat until it was applied, ms',
    consumers: SPEED,
  },
  iteratorAgeMs: { kind: 'histogram', help: 'Age of the last record of a delivery at its end, ms', consumers: BOTH },
  cutAgeMs: { kind: 'gauge', help: 'Age of the cut at the end of the last batch run, ms', consumers: ['batch'] },
  compactionBehindMs: {
    kind: 'gauge',
    help: 'Time for which slots wait to be compacted, after the last compaction, ms',
    consumers: ['compaction'],
  },
  untoldMs: {
    kind: 'gauge',
    help: 'Time for which the oldest post waits that a receiver of incidents has not taken, ms',
    consumers: ['notifier'],
  },
}

/** Upper limits of the histograms, ms: from a fast delivery to a lane that was stopped for an hour. */
const LIMITS_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000]

/**
 * Creates metrics for Prometheus, with the names that they have in CloudWatch behind a prefix: `records` of `landcover`
 * is `landcover_records_total`, and `quarantined.not-json` is `landcover_quarantined_total` with the label `reason`. The
 * other label is `consumer`. The lane is not a label: a stream gets new ones without end. Every counter starts at 0, so
 * that the first event is an increase, too.
 *
 * @param prefix first part of all names but those of the process (`process_…` and `nodejs_…`)
 * @param observe measures values for an answer; never throws
 */
export function prometheusMetrics(prefix: string, observe: () => Promise<readonly Observed[]>): PrometheusMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const take = new Map<string, (consumer: Consumer, value: number) => void>()
  for (const [name, description] of Object.entries(DESCRIPTIONS)) {
    take.set(name, openMetric(registry, `${prefix}_${name}`, description))
  }
  const quarantined = new Counter({
    name: `${prefix}_quarantined_total`,
    help: 'Lines or whole records that were quarantined',
    labelNames: ['consumer', 'reason'],
    registers: [registry],
  })
  for (const reason of REJECTION_REASONS) {
    quarantined.inc({ consumer: 'speed', reason }, 0)
    take.set(`quarantined.${reason}`, (consumer, value) => add(quarantined, { consumer, reason }, value))
  }
  const gauges = new Map<string, Gauge>()

  return {
    record({ consumer, values }) {
      for (const [name, value] of Object.entries(values)) {
        if (Number.isFinite(value)) take.get(name)?.(consumer, value as number)
      }
    },
    async text() {
      for (const { name, help, value } of await observe()) {
        const gauge =
          gauges.get(name) ?? new Gauge({ name: `${prefix}_${name}`, help, labelNames: [], registers: [registry] })
        gauges.set(name, gauge)
        if (value === null) gauge.remove()
        else gauge.set(value)
      }
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}

/** Adds a metric to the registry, and returns the function that takes its values. */
function openMetric(registry: Registry, name: string, { kind, help, consumers }: Description) {
  const common = { help, labelNames: ['consumer'], registers: [registry] }
  if (kind === 'gauge') {
    const gauge = new Gauge({ name, ...common })
    return (consumer: Consumer, value: number) => gauge.set({ consumer }, value)
  }
  if (kind === 'histogram') {
    const histogram = new Histogram({ name, buckets: LIMITS_MS, ...common })
    for (const consumer of consumers) histogram.zero({ consumer })
    return (consumer: Consumer, value: number) => histogram.observe({ consumer }, value)
  }
  const counter = new Counter({ name: `${name}_total`, ...common })
  for (const consumer of consumers) counter.inc({ consumer }, 0)
  return (consumer: Consumer, value: number) => add(counter, { consumer }, value)
}

/** Adds to a counter. Counts are never below 0; a counter throws for one that is, and a measurement must not. */
function add<Label extends string>(counter: Counter<Label>, labels: Record<Label, string>, value: number): void {
  counter.inc(labels, Math.max(value, 0))
}
