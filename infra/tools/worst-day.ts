import { DAY_MS, SECOND_MS } from '../../functions/core/time.ts'
import { ASSUMED } from './cost-assumptions.ts'
import { costOf } from './cost-prices.ts'
import { GB } from './units.ts'

/** Parts of a deployed stage that strangers can reach: people without the key, a token, or an address that is allowed. */
export interface Reach {
  /** Maximum number of requests a second that strangers can make to the API and its functions, of all methods. */
  apiPerSecond: number
  /** Number of lanes whose rows an answer reads. */
  lanes: number
  /** Requests and bytes a second at which the alarms of CloudFront begin. */
  alarmRequestsPerSecond: number
  alarmBytesPerSecond: number
  /** True if a CloudFront function runs for each request. */
  hasFunction: boolean
}

const READ_UNIT_BYTES = 4 * 1024

/** Read units of the most expensive answers. Each read costs at least one. */
export function worstReads(lanes: number): { windows: number; anomalies: number; quarantine: number } {
  const { windows, images, imageReads, quarantined, quarantinedAtOnce, quarantinedBytes } = ASSUMED.worstAnswer
  const units = (bytes: number) => Math.ceil(bytes / READ_UNIT_BYTES)
  return {
    windows: lanes * units(windows * ASSUMED.totalsBytes),
    anomalies: imageReads + units(images * ASSUMED.imageBytes),
    quarantine: (quarantined + lanes * quarantinedAtOnce) * units(quarantinedBytes),
  }
}

const DAY_SECONDS = DAY_MS / SECOND_MS

/**
 * Dollars that strangers can cause in one day. Behind CloudFront the throttle of API Gateway is the limit, with each
 * request the most expensive one. CloudFront itself has no limit; its part is the cost that a stranger causes who stays
 * just below its alarms. API Gateway does not bill requests that it refuses: without a key, a token or a signature, and
 * those that it throttles.
 */
export function worstDay(reach: Reach): { behindCloudFront: number; ofCloudFront: number } {
  const requests = reach.apiPerSecond * DAY_SECONDS
  const { seconds } = ASSUMED.worstAnswer
  const { memoryMb } = ASSUMED.functions.serving
  const reads = Math.max(...Object.values(worstReads(reach.lanes)))
  const behindCloudFront =
    costOf('apiRequest', requests) +
    costOf('invocation', requests) +
    costOf('compute', requests * seconds * (memoryMb / 1024)) +
    costOf('readUnit', requests * reads) +
    costOf('logged', (requests * (ASSUMED.lambdaLog + ASSUMED.accessLog)) / GB) +
    // X-Ray's default: one request a second, and 5 % of the others.
    costOf('trace', Math.min(requests, DAY_SECONDS) + requests / 20)
  const seen = reach.alarmRequestsPerSecond * DAY_SECONDS
  const ofCloudFront =
    costOf('edgeRequest', seen) +
    costOf('edgeFunction', reach.hasFunction ? seen : 0) +
    costOf('edgeOut', (reach.alarmBytesPerSecond * DAY_SECONDS) / GB)
  return { behindCloudFront, ofCloudFront }
}
