import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** What a thread is sent for each call, and what it sends back. */
export interface ThreadCall {
  id: number
  event: unknown
}
export type ThreadMessage =
  | { id: number; result: unknown }
  | { id: number; error: string }
  | { kind: LineKind; line: string }

/** Where a line of text that the function writes belongs. */
type LineKind = 'log' | 'metrics'

/**
 * A function in a thread of its own, as Lambda gives each function an environment of its own: what it computes delays
 * nobody else. A thread that ends, for want of memory say, fails its calls; the next call starts another.
 *
 * @param script a module that answers each ThreadCall with a ThreadMessage
 * @param data what the module finds as its workerData
 * @param write takes the lines that the function writes; never throws
 */
export function functionInThread<Event, Result>(
  script: URL,
  data: unknown,
  write: Record<LineKind, (line: string) => void>,
) {
  interface Thread {
    worker: Worker
    waiting: Map<number, { resolve(result: Result): void; reject(error: Error): void }>
  }

  let thread: Thread | undefined
  let calls = 0

  function start(): Thread {
    const worker = new Worker(script, { workerData: data })
    const waiting: Thread['waiting'] = new Map()
    const started = { worker, waiting }
    const fail = (error: Error) => {
      if (thread === started) thread = undefined
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    worker.on('message', (message: ThreadMessage) => {
      if ('line' in message) return write[message.kind](message.line)
      const call = waiting.get(message.id)
      waiting.delete(message.id)
      if ('error' in message) call?.reject(new Error(message.error))
      else call?.resolve(message.result as Result)
    })
    worker.on('error', fail)
    worker.on('messageerror', fail)
    worker.on('exit', () => fail(new Error('the thread has ended')))
    return started
  }

  return {
    call(event: Event): Promise<Result> {
      thread ??= start()
      const { worker, waiting } = thread
      const id = calls++
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        worker.postMessage({ id, event } satisfies ThreadCall)
      })
    },
    /** To be called when no call is under way. */
    async stop(): Promise<void> {
      if (!thread) return
      const { worker } = thread
      const ending = once(worker, 'exit')
      await worker.terminate()
      await ending
    },
  }
}
