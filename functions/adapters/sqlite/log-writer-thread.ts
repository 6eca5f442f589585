import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { ThreadCall, ThreadMessage } from '../thread.ts'
import { type Commit, commitValue, type LogCommit, type LogFile, openCommitter } from './log-writer.ts'

/** Port of the thread that commits to a log. */
const port = parentPort as MessagePort
/** Opened with the first commit, and again after an attempt that failed. */
let opened: Commit | undefined
const commit: Commit = async event => {
  opened ??= openCommitter(workerData as LogFile)
  return opened(event)
}
const send = (message: ThreadMessage) => port.postMessage(message)
port.on('message', ({ id, event }: ThreadCall<LogCommit>) => {
  commitValue(commit(event)).then(
    result => send({ id, result }),
    error => send({ id, error: (error as Error).message }),
  )
})
