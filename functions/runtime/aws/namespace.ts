import { METRICS_NAMESPACE } from '../../adapters/aws/emf-metrics.ts'

/** Returns the namespace of a stage's metrics. Two stages may share an account, and with it CloudWatch. */
export function metricsNamespace(stage: string): string {
  return `${METRICS_NAMESPACE}/${stage}`
}
