import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { incidentsReader } from '../batch/incidents-file.ts'
import { openDecisions } from '../decisions/stored-decisions.ts'
import { decidedBy, type Notifier, openNotifier } from '../notify/notify.ts'
import type { Failures } from '../ports/failures.ts'
import type { Logger } from '../ports/logger.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { AlertsSettings } from './config/alerts.ts'
import { openReceivers } from './receivers.ts'

/** Notifier of a system, with the receivers of its settings. Several may run at once: their ledgers let one send. */
export function notifierOf(
  { objects, logger, failures }: { objects: ObjectStore; logger: Logger; failures: Failures },
  settings: AlertsSettings,
): Notifier {
  const decisions = openDecisions(objects)
  return openNotifier({
    objects,
    receivers: openReceivers(settings),
    routes: settings.routes,
    incidents: incidentsReader(objects),
    decided: async () => decidedBy(await decisions.all()),
    owner: randomUUID(),
    now: Date.now,
    sleep,
    failures,
    logger,
  })
}
