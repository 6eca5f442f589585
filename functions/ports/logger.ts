/** Logger of structured lines: what happened, with identities and counts, never the content of an event or record. */
export interface Logger {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
}
