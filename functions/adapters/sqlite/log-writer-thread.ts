import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { ThreadCall, ThreadMessage } from '../thread.ts'
import { type LogCommit, type LogFile, openCommitter } from './log-writer.ts'

/** Port of the thread that commits to a log. */
const port = parentPort as MessagePort
const commit = openCommitter(workerData as LogFile)
const send = (message: ThreadMessage) => port.postMessage(message)
port.on('message', ({ id, event }: ThreadCall<LogCommit>) => {
  commit(event).then(
    result => send({ id, result }),
    error => send({ id, error: (error as Error).message }),
  )
})
