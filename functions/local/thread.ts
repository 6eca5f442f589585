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
 * @param write takes the lines that the function writes
 */
export function functionInThread<Event, Result>(
  script: URL,
  data: unknown,
  write: Record<LineKind, (line: string) => void>,
) {
  let worker: Worker | undefined
  let calls = 0
  const waiting = new Map<number, { resolve(result: Result): void; reject(error: Error): void }>()

  function start(): Worker {
    const started = new Worker(script, { workerData: data })
    const fail = (error: Error) => {
      if (worker === started) worker = undefined
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    started.on('message', (message: ThreadMessage) => {
      if ('line' in message) return write[message.kind](message.line)
      const call = waiting.get(message.id)
      waiting.delete(message.id)
      if ('error' in message) call?.reject(new Error(message.error))
      else call?.resolve(message.result as Result)
    })
    started.on('error', fail)
    started.on('exit', () => fail(new Error('the thread has ended')))
    return started
  }

  return {
    call(event: Event): Promise<Result> {
      worker ??= start()
      const id = calls++
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        worker?.postMessage({ id, event } satisfies ThreadCall)
      })
    },
    /** To be called when no call is under way. */
    async stop(): Promise<void> {
      const ending = worker && once(worker, 'exit')
      await worker?.terminate()
      await ending
    },
  }
}
