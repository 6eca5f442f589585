/** A part of this process that is failing now. */
export interface Failing {
  component: string
  /** Since the first failure of the row, ms. */
  forMs: number
  /** Failures in a row. */
  count: number
  /** What the last one said: no content of events or records. */
  message: string
}

/** Takes note of failures and recoveries of the parts of a process, so that health can tell. */
export interface Failures {
  /** @param tolerated failures in a row that are no news yet, where trying again at once is usual */
  failed(component: string, error: unknown, tolerated?: number): void
  recovered(component: string): void
}
