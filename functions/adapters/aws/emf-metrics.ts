import type { Metrics } from '../../ports/metrics.ts'

/** Of the metrics of a stage; a home that has no stages has this one. */
export const METRICS_NAMESPACE = 'landcover'

/**
 * Metrics as lines of JSON in CloudWatch's embedded metric format (Amazon CloudWatch User Guide, "Specification:
 * Embedded metric format"): on Lambda a line on standard output is enough. The consumer is the only dimension, because
 * CloudWatch bills each value of a dimension as a metric of its own. The lane is a property: Logs Insights can tell
 * lanes apart, and a reshard costs nothing.
 *
 * @param write takes a line with its end; never throws, since a metric must not give back the delivery it tells of
 */
export function emfMetrics(
  write: (line: string) => void,
  { namespace = METRICS_NAMESPACE, now = Date.now }: { namespace?: string; now?: () => number } = {},
): Metrics {
  return {
    record({ consumer, lane, values }) {
      const measured = Object.entries(values).filter(([, value]) => Number.isFinite(value))
      if (measured.length === 0) return
      const metrics = measured.map(([name]) => ({ Name: name, Unit: name.endsWith('Ms') ? 'Milliseconds' : 'Count' }))
      const directive = { Namespace: namespace, Dimensions: [['consumer']], Metrics: metrics }
      const document = {
        _aws: { Timestamp: now(), CloudWatchMetrics: [directive] },
        consumer,
        lane,
        ...Object.fromEntries(measured),
      }
      write(`${JSON.stringify(document)}\n`)
    },
  }
}
