import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { emfMetrics } from '../../adapters/aws/emf-metrics.ts'
import { openFolderObjectStore } from '../../adapters/files/object-store.ts'
import { jsonLogger } from '../../adapters/json-logger.ts'
import type { ThreadCall, ThreadMessage } from '../../adapters/thread.ts'
import type { LogEvent } from '../../lambda/decode-event.ts'
import { archiveHandlerOf } from '../layers.ts'

/** What the archive must know of its system. */
export interface ArchiveThreadData {
  /** Folder of the objects. */
  objects: string
  streamIdentity: string
  slotMs: number
}

/** The archive of one machine: making Parquet takes whole seconds, for which the speed layer must not wait. */
const port = parentPort as MessagePort
const { objects, streamIdentity, slotMs } = workerData as ArchiveThreadData
const send = (message: ThreadMessage) => port.postMessage(message)
const handler = archiveHandlerOf(
  {
    objects: openFolderObjectStore(objects),
    logger: jsonLogger(line => send({ kind: 'log', line })),
    metrics: emfMetrics(line => send({ kind: 'metrics', line })),
  },
  streamIdentity,
  slotMs,
)
port.on('message', ({ id, event }: ThreadCall) => {
  handler(event as LogEvent).then(
    result => send({ id, result }),
    error => send({ id, error: String(error) }),
  )
})
