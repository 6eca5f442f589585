import type { WireEvent } from '../core/event.ts'

/** What a row of a file came to: an event that decodes, or why it was left out. */
export type RowRead = { file: string; row: number; event: WireEvent } | { problem: RowProblem }

/** A row that was left out, and why. */
export interface RowProblem {
  /** Base name of the file. */
  file: string
  /** Counted from 1. Of a CSV the line on which the row begins, and the header is line 1. */
  row: number
  /** Null where the row as a whole is meant. */
  column: string | null
  message: string
}

export function describeProblem({ file, row, column, message }: RowProblem): string {
  return `${file}, row ${row}${column ? `, column ${column}` : ''}: ${message}`
}

/** Nothing (more) can be read from a file; the message says what is wrong, where, and what to do. */
export class SourceError extends Error {
  override name = 'SourceError'
}

export const REQUIRED_COLUMNS = ['image_id', 'class_name', 'ndvi_mean'] as const
export const NDVI_COLUMNS = ['ndvi_mean', 'ndvi_std', 'ndvi_min', 'ndvi_max', 'vegetation_index'] as const
export const SPECTRAL_COLUMNS = ['red_mean', 'green_mean', 'blue_mean', 'nir_mean', 'brightness_mean'] as const
export const OPTIONAL_COLUMNS = [...NDVI_COLUMNS.slice(1), ...SPECTRAL_COLUMNS, 'timestamp'] as const
export const TEXT_COLUMNS: ReadonlySet<string> = new Set(['image_id', 'class_name', 'timestamp'])

/** A value as a message shows it: what it holds may be long, or unprintable. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

/** Stands in a text for bytes that were no UTF-8. */
export const GARBLED = '\ufffd'
