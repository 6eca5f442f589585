import { systemTime } from '../ingest/retry.ts'

/** Keeps a value in memory and reads it again after `ageMs`. A clock that is set back does not make it last longer. */
export function remembered<T>(ageMs: number, read: () => Promise<T>): () => Promise<T> {
  const time = systemTime()
  let last: { value: T; readMs: number } | undefined
  return async () => {
    if (!last || time.now() - last.readMs > ageMs) last = { value: await read(), readMs: time.now() }
    return last.value
  }
}

/** Resource that is opened at the first use. */
export interface Lazy<T> {
  /** Opens the resource at the first call. Later calls get the same one; after a failure, the next call tries again. */
  open(): Promise<T>
  /** Closes the resource if it was opened. */
  close(): Promise<void>
}

/** Resource that is opened at the first call; later calls get the same one. */
export function lazy<T extends { close(): Promise<void> }>(open: () => Promise<T>): Lazy<T> {
  let opened: Promise<T> | undefined
  return {
    open() {
      opened ??= open()
      const opening = opened
      opening.catch(() => {
        if (opened === opening) opened = undefined
      })
      return opening
    },
    async close() {
      await (await opened?.catch(() => undefined))?.close()
    },
  }
}
