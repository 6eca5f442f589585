import { SECOND_MS } from '../../core/time.ts'
import { limitedRequests } from '../aws/requests.ts'

/**
 * Options of an AWS client that posts to a receiver.
 *
 * @param tryMs time limit of a try, ms
 * @param endpoint address other than AWS's own, such as LocalStack's
 */
export function clientOptions(tryMs: number, endpoint: string | undefined) {
  return {
    requestHandler: limitedRequests(3 * SECOND_MS, tryMs),
    ...(endpoint !== undefined && { endpoint }),
  }
}
