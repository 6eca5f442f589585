import { readSecrets } from '../../adapters/aws/secrets.ts'
import { MINUTE_MS, SECOND_MS } from '../../core/time.ts'
import type { Notifier } from '../../notify/notify.ts'
import type { Failures } from '../../ports/failures.ts'
import { parseAlertsSettings } from '../config/alerts.ts'
import { checkAlertsFile, SECRET_ARN, secretReferences } from '../config/alerts-file.ts'
import { remembered } from '../memo.ts'
import { notifierOf } from '../notifier.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, stageMetrics } from './open.ts'
import { variable } from './variables.ts'

/** Name of the configuration in errors. */
const NAME = "the stage's alerts"

/** Time after which secrets are read again. A secret that was changed is used from then on. */
const SECRETS_AGE_MS = 15 * MINUTE_MS

/** Time that is left for the post under way when a round is ended, ms: longer than a try takes. */
const LAST_POST_MS = 30 * SECOND_MS

/** Result of a call: time for which the oldest post waits, ms. */
export interface TellingOutcome {
  untoldMs: number
}

/**
 * Lambda function that tells receivers of incidents: one round, after a view was published and on a schedule. Calls may
 * overlap, because only one of them can claim a post.
 *
 * @throws Error of a call in which a receiver was not told; the next call tries again
 */
export const handler = onFirstCall<unknown, TellingOutcome>(async () => {
  const failures = failuresOfCall()
  const current = notifierWithSecrets(failures)
  const metrics = stageMetrics()
  return async (_event, context) => {
    failures.begin()
    const notifier = await current()
    await notifier.round(AbortSignal.timeout(context.getRemainingTimeInMillis() - LAST_POST_MS))
    const untoldMs = notifier.untoldMs()
    metrics.record({ consumer: 'notifier', values: { untoldMs } })
    const failed = failures.list()
    if (failed.length > 0) throw new Error(failed.join('; '))
    return { untoldMs }
  }
})

/** Notifier with the stage's configuration. It stays the same one as long as its secrets do. */
function notifierWithSecrets(failures: Failures): () => Promise<Notifier> {
  const text = variable('LANDCOVER_ALERTS')
  const references = secretReferences(checkAlertsFile(NAME, text)).map(({ reference }) => reference)
  const arns = references.map(reference => SECRET_ARN.exec(reference)?.[1] ?? '').filter(arn => arn !== '')
  const objects = openObjects()
  let known = { secrets: '', notifier: undefined as Notifier | undefined }
  return remembered(SECRETS_AGE_MS, async () => {
    const texts = await readSecrets(arns)
    const secrets = JSON.stringify([...texts])
    if (known.notifier && known.secrets === secrets) return known.notifier
    const settings = parseAlertsSettings(NAME, text, {
      environment: {},
      readFile: () => '',
      readSecret: arn => texts.get(arn) ?? '',
    })
    known = { secrets, notifier: notifierOf({ objects, logger, failures }, settings) }
    return known.notifier as Notifier
  })
}

/** Failures of one call. */
function failuresOfCall(): Failures & { begin(): void; list(): string[] } {
  const failed = new Map<string, string>()
  return {
    begin: () => failed.clear(),
    list: () => Array.from(failed, ([component, message]) => `${component} failed: ${message}`),
    failed: (component, error) => void failed.set(component, error instanceof Error ? error.message : String(error)),
    recovered: component => void failed.delete(component),
  }
}
