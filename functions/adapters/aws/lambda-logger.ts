import { Logger as PowertoolsLogger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import type { Logger } from '../../ports/logger.ts'
import { withoutRepeats } from '../repeated-warnings.ts'

/**
 * Logger of a deployed function: Powertools for AWS. Each line names the function, the request and whether it is a cold
 * start.
 *
 * @returns `middleware` tells the logger of each call
 */
export function openLambdaLogger(): { logger: Logger; middleware: ReturnType<typeof injectLambdaContext> } {
  const powertools = new PowertoolsLogger({ serviceName: 'landcover', logLevel: 'INFO' })
  const logger = withoutRepeats({
    info: (message, fields = {}) => powertools.info(message, fields),
    warn: (message, fields = {}) => powertools.warn(message, fields),
  })
  return { logger, middleware: injectLambdaContext(powertools, { logEvent: false }) }
}
