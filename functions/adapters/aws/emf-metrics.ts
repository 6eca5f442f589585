import { MetricUnit, Metrics as PowertoolsMetrics } from '@aws-lambda-powertools/metrics'
import type { Metrics } from '../../ports/metrics.ts'

/** Namespace of the metrics on one machine. Each stage on AWS has its own namespace below it. */
export const METRICS_NAMESPACE = 'landcover'

/**
 * Creates metrics that are lines of JSON in CloudWatch's embedded metric format, written by Powertools for AWS. On
 * Lambda, a line on standard output is enough. The consumer is the only dimension, because CloudWatch bills each value
 * of a dimension as a separate metric. The lane is metadata: Logs Insights can separate lanes, and a reshard costs
 * nothing.
 *
 * @param write writes a line with its line break; never throws, because a metric must not give back its delivery
 */
export function emfMetrics(
  write: (line: string) => void,
  { namespace = METRICS_NAMESPACE }: { namespace?: string } = {},
): Metrics {
  const document = new PowertoolsMetrics({ namespace })
  // Without this, Powertools adds the dimension `service`.
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
