import { MetricUnit, Metrics as PowertoolsMetrics } from '@aws-lambda-powertools/metrics'
import type { Metrics } from '../../ports/metrics.ts'

/** Of the metrics on one machine; each stage on AWS has its own below it. */
export const METRICS_NAMESPACE = 'landcover'

/**
 * Metrics as lines of JSON in CloudWatch's embedded metric format, as Powertools for AWS writes it: on Lambda a line on
 * standard output is enough. The consumer is the only dimension, because CloudWatch bills each value of a dimension as
 * a metric of its own. The lane is metadata: Logs Insights can tell lanes apart, and a reshard costs nothing.
 *
 * @param write takes a line with its end; never throws, since a metric must not give back the delivery it tells of
 */
export function emfMetrics(
  write: (line: string) => void,
  { namespace = METRICS_NAMESPACE }: { namespace?: string } = {},
): Metrics {
  const document = new PowertoolsMetrics({ namespace })
  // The dimension `service`, which would be one more.
  document.clearDefaultDimensions()
  return {
    record({ consumer, lane, values }) {
      const measured = Object.entries(values).filter(([, value]) => Number.isFinite(value))
      if (measured.length === 0) return
      document.addDimension('consumer', consumer)
      if (lane !== undefined) document.addMetadata('lane', lane)
      for (const [name, value] of measured) {
        document.addMetric(name, name.endsWith('Ms') ? MetricUnit.Milliseconds : MetricUnit.Count, value as number)
      }
      write(`${JSON.stringify(document.serializeMetrics())}\n`)
      document.clearMetrics()
      document.clearDimensions()
      document.clearMetadata()
    },
  }
}
