import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openFolderObjectStore } from '../../adapters/files/object-store.ts'
import { jsonLogger } from '../../adapters/json-logger.ts'
import type { ThreadCall, ThreadMessage } from '../../adapters/thread.ts'
import type { LogEvent } from '../../lambda/decode-event.ts'
import { archiveHandlerOf, type Timing } from '../layers.ts'

/** Settings of the archive's thread. */
export interface ArchiveThreadData extends Timing {
  /** Folder of the objects. */
  objects: string
  streamIdentity: string
}

/** Archive in its own thread: writing Parquet takes whole seconds, and the speed layer must not wait for it. */
const port = parentPort as MessagePort
const { objects, streamIdentity, slotMs, lateness } = workerData as ArchiveThreadData
const send = (message: ThreadMessage) => port.postMessage(message)
const handler = archiveHandlerOf(
  {
    objects: openFolderObjectStore(objects),
    logger: jsonLogger(line => send({ kind: 'log', line })),
    // Both receivers of measurements are in the main thread.
    metrics: { record: measurement => send({ kind: 'metrics', line: JSON.stringify(measurement) }) },
  },
  streamIdentity,
  { slotMs, lateness },
)
port.on('message', ({ id, event }: ThreadCall) => {
  handler(event as LogEvent).then(
    result => send({ id, result }),
    error => send({ id, error: String(error) }),
  )
})
