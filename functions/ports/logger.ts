/** Structured log lines: what happened, with identities and counts; never an event's or a record's content. */
export interface Logger {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
}
