import { METRICS_NAMESPACE } from '../../adapters/aws/emf-metrics.ts'

/** Of a stage's metrics: two stages may share an account, and with it CloudWatch. */
export function metricsNamespace(stage: string): string {
  return `${METRICS_NAMESPACE}/${stage}`
}
