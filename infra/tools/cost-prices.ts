/** Price in US dollars, in us-east-1, without free tiers, discounts and taxes. docs/cost.md names its source. */
interface Price {
  /** Dollars for `per` units. */
  dollars: number
  per: number
  unit: string
  /** Address of AWS's price page. */
  page: string
}

const price = (dollars: number, per: number, unit: string, service: string): Price => ({
  dollars,
  per,
  unit,
  page: `https://aws.amazon.com/${service}/pricing/`,
})

const K = 1_000
const M = 1_000_000

/** Prices that the cost model uses. */
export const PRICES = {
  shard: price(0.015, 1, 'shard-hours', 'kinesis/data-streams'),
  shardKept: price(0.02, 1, 'shard-hours of retention, days 2 to 7', 'kinesis/data-streams'),
  putUnit: price(0.014, M, 'PUT payload units of 25 KB', 'kinesis/data-streams'),
  fanOut: price(0.015, 1, 'shard-hours of a consumer with enhanced fan-out', 'kinesis/data-streams'),
  fanOutRead: price(0.013, 1, 'GB read with enhanced fan-out', 'kinesis/data-streams'),
  onDemand: price(0.04, 1, 'hours of an on-demand stream', 'kinesis/data-streams'),
  onDemandIn: price(0.08, 1, 'GB written on demand', 'kinesis/data-streams'),
  onDemandOut: price(0.04, 1, 'GB read on demand', 'kinesis/data-streams'),
  onDemandFanOut: price(0.05, 1, 'GB read on demand with enhanced fan-out', 'kinesis/data-streams'),
  onDemandKept: price(0.1, 1, 'GB-months of retention on demand, days 2 to 7', 'kinesis/data-streams'),
  smallBroker: price(0.0456, 1, 'hours of a broker kafka.t3.small', 'msk'),
  brokerDisk: price(0.1, 1, "GB-months of a broker's disk", 'msk'),
  pollerUnit: price(0.185, 1, 'hours of an event poller unit of Kafka', 'lambda'),
  dataKey: price(0.03, 10 * K, 'requests for a data key', 'kms'),
  invocation: price(0.2, M, 'invocations', 'lambda'),
  compute: price(0.0000133334, 1, 'GB-seconds on ARM', 'lambda'),
  writeUnit: price(0.625, M, 'write request units of 1 KB', 'keyspaces'),
  readUnit: price(0.125, M, 'read request units of 4 KB', 'keyspaces'),
  ttlDelete: price(0.275, M, 'TTL deletes of 1 KB', 'keyspaces'),
  rowStorage: price(0.25, 1, 'GB-months of rows', 'keyspaces'),
  put: price(0.005, K, 'PUT or LIST requests', 's3'),
  get: price(0.0004, K, 'GET requests', 's3'),
  objectStorage: price(0.023, 1, 'GB-months of objects', 's3'),
  scan: price(5, 1024, 'GB scanned, at least 10 MB a statement', 'athena'),
  apiRequest: price(3.5, M, 'requests to a REST API', 'api-gateway'),
  edgeRequest: price(0.01, 10 * K, 'HTTPS requests to CloudFront', 'cloudfront'),
  edgeFunction: price(0.1, M, 'invocations of a CloudFront function', 'cloudfront'),
  edgeOut: price(0.085, 1, 'GB to viewers', 'cloudfront'),
  metric: price(0.3, 1, 'metric-months', 'cloudwatch'),
  alarm: price(0.1, 1, 'alarm-months', 'cloudwatch'),
  dashboard: price(3, 1, 'dashboard-months', 'cloudwatch'),
  logged: price(0.5, 1, 'GB logged', 'cloudwatch'),
  logStorage: price(0.03, 1, 'GB-months of logs', 'cloudwatch'),
  trace: price(5, M, 'traces recorded', 'xray'),
  scheduled: price(1, M, 'invocations by a schedule', 'eventbridge'),
  transition: price(0.025, K, 'state transitions', 'step-functions'),
  secret: price(0.4, 1, 'secret-months', 'secrets-manager'),
} satisfies Record<string, Price>

/** Cost of a quantity of units, in dollars. */
export function costOf(name: keyof typeof PRICES, quantity: number): number {
  const { dollars, per } = PRICES[name]
  return (dollars / per) * quantity
}
