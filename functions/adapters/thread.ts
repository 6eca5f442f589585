import { once } from 'node:events'
import { extname } from 'node:path'
import { type Transferable, Worker } from 'node:worker_threads'

/** Messages for each call: to the thread and back. */
export interface ThreadCall<Event = unknown> {
  id: number
  event: Event
}
/** Message of a thread: the outcome of a call by its id, or a line that the function wrote. */
export type ThreadMessage =
  | { id: number; result: unknown }
  | { id: number; error: string }
  | { kind: LineKind; line: string }

/** Kind of a text line that the function writes. */
type LineKind = 'log' | 'metrics'

/** Ending of the project's files: .ts in a checkout, .js in the package. */
const ENDING = extname(import.meta.url)

/**
 * Runs a function in its own thread, as Lambda runs each function in its own environment, so that its computing delays
 * nothing else. When a thread ends, for example without memory, its calls fail; the next call starts another thread. A
 * thread without a call does not keep the process from ending.
 *
 * @param script module that answers each ThreadCall with a ThreadMessage, by the name of its source
 * @param data workerData of the module
 * @param write writes the lines of the function; never throws
 */
export function functionInThread<Event, Result>(
  script: URL,
  data: unknown,
  write?: Record<LineKind, (line: string) => void>,
) {
  interface Thread {
    worker: Worker
    waiting: Map<number, { resolve(result: Result): void; reject(error: Error): void }>
  }

  let thread: Thread | undefined
  let calls = 0

  function start(): Thread {
    const worker = new Worker(new URL(script.href.replace(/\.ts$/, ENDING)), { workerData: data })
    const waiting: Thread['waiting'] = new Map()
    const started = { worker, waiting }
    const fail = (error: Error) => {
      if (thread === started) thread = undefined
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    worker.on('message', (message: ThreadMessage) => {
      if ('line' in message) return write?.[message.kind](message.line)
      const call = waiting.get(message.id)
      waiting.delete(message.id)
      if (waiting.size === 0) worker.unref()
      if ('error' in message) call?.reject(new Error(message.error))
      else call?.resolve(message.result as Result)
    })
    worker.on('error', fail)
    worker.on('messageerror', fail)
    worker.on('exit', () => fail(new Error('the thread has ended')))
    return started
  }

  return {
    /** @param transfer what of the event the thread takes over, instead of a copy */
    call(event: Event, transfer: readonly Transferable[] = []): Promise<Result> {
      thread ??= start()
      const { worker, waiting } = thread
      const id = calls++
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        worker.ref()
        worker.postMessage({ id, event } satisfies ThreadCall, transfer)
      })
    },
    /** Ends the thread. No call may be running. */
    async stop(): Promise<void> {
      if (!thread) return
      const { worker } = thread
      worker.ref()
      const ending = once(worker, 'exit')
      await worker.terminate()
      await ending
    },
  }
}
