/** Component of this process that is failing now. */
export interface Failing {
  component: string
  /** Time since the first of the failures in a row, ms. */
  forMs: number
  /** Number of failures in a row. */
  count: number
  /** Message of the last failure, without content of events or records. */
  message: string
}

/** Registry of failures and recoveries of this process's components, for health. */
export interface Failures {
  /**
   * Records a failure.
   *
   * @param tolerated number of failures in a row that are not reported yet, for components where an immediate retry is
   *   normal
   */
  failed(component: string, error: unknown, tolerated?: number): void
  recovered(component: string): void
}
