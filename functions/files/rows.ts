import { type ImageEvent, ORIGINAL_NUMBERS, PLACE_NUMBERS, PLACE_TEXTS, type WireEvent } from '../core/event.ts'

/** Row of a file that is a valid event. */
export interface RowEvent {
  file: string
  row: number
  decoded: ImageEvent
  /** Makes the event as producers write it. */
  event(): WireEvent
}

/** Result of a row of a file: a valid event, or the reason why the row was left out. */
export type RowRead = RowEvent | { problem: RowProblem } | { noMeasurement: true }

/** Row that was left out, with the reason. */
export interface RowProblem {
  /** Base name of the file. */
  file: string
  /** Number from 1. In CSV it is the line on which the row begins, and the header is line 1. */
  row: number
  /** Null if the row as a whole is meant. */
  column: string | null
  message: string
}

/** Problem as a message: file, row, column, and what is wrong. */
export function describeProblem({ file, row, column, message }: RowProblem): string {
  return `${file}, row ${row}${column ? `, column ${column}` : ''}: ${message}`
}

/** Thrown when nothing (more) can be read from a file. The message says what is wrong, where, and what to do. */
export class SourceError extends Error {
  override name = 'SourceError'
}

/** Report in which readers say what they assumed, ignored or dropped. */
export interface ReadReport {
  /** Adds a sentence to the report, once, however often it is noted. */
  note(sentence: string): void
  /** Counts something that happened to a row that was read nevertheless. */
  warn(sentence: string): void
}

export const SILENT: ReadReport = { note: () => {}, warn: () => {} }

export const REQUIRED_FIELDS = ['image_id', 'class_name', 'ndvi_mean', 'timestamp'] as const
export const NDVI_FIELDS = ['ndvi_mean', 'ndvi_std', 'ndvi_min', 'ndvi_max'] as const
export const NUMBER_FIELDS = ['ndvi_mean', ...ORIGINAL_NUMBERS, ...PLACE_NUMBERS] as const
export const TEXT_FIELDS = ['image_id', 'class_name'] as const
export const FIELDS: readonly Field[] = [...TEXT_FIELDS, ...NUMBER_FIELDS, ...PLACE_TEXTS, 'timestamp']
/** Name of a field of an event. */
export type Field = keyof WireEvent

/** A value as a message shows it: what it holds may be long, or unprintable. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

/** Character for bytes that could not be decoded. */
export const GARBLED = '\ufffd'
