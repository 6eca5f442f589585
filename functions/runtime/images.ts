import { imagesHandler } from '../images/arrivals/queue-handler.ts'
import { sitesReader } from '../images/sites/stored-sites.ts'
import { timeFromEpoch } from '../ingest/retry.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import type { ObjectRanges } from '../ports/object-ranges.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { knownClasses } from './class-list.ts'
import type { ImageSettings } from './config/images.ts'

/** Ports of the function that observes scenes. */
export interface ImagePorts {
  log: EventLog
  objects: ObjectStore
  ranges: ObjectRanges
  logger: Logger
}

/** Handler of messages about scenes, with the sites and the classes of the system. */
export function imagesHandlerOf({ log, objects, ranges, logger }: ImagePorts, settings: ImageSettings, slotMs: number) {
  const classes = knownClasses(objects)
  const { hosts, buckets, ...measuring } = settings
  const access = { hosts: new Set(hosts), objects: { buckets: new Set(buckets), ranges } }
  const publisher = async () => ({ log, objects, time: timeFromEpoch(), classes: await classes(), slotMs })
  return imagesHandler({ access, sites: sitesReader(objects), publisher, ...measuring }, logger)
}
