/** Error of an AWS client. */
interface AwsError extends Error {
  code?: string
  $metadata?: { httpStatusCode?: number }
}

/** Errors before a request was on its way. */
const NEVER_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'CredentialsProviderError', 'TokenProviderError']

/** Reason of a failed request to a service of AWS, and whether its content may have arrived nevertheless. */
export function awsFailure(service: string, error: unknown): { reason: string; mayHaveArrived: boolean } {
  const { name, code, message, $metadata } = error as AwsError
  const status = $metadata?.httpStatusCode
  const neverSent = NEVER_SENT.some(each => each === code || each === name) || message === 'Region is missing'
  return {
    reason: `${service}: ${name}: ${message.split('\n')[0]}`,
    mayHaveArrived: status === undefined ? !neverSent : status >= 500,
  }
}
