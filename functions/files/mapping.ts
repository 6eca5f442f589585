import type { Field } from './rows.ts'

/** Mapping of a file's columns to an event's fields by flags, for files whose headers alone are not enough. */
export interface Mapping {
  /** Name of a preset: the form of some program's files. */
  format?: string
  /** Header of the column that holds a field. */
  columns?: Partial<Record<Field, string>>
  /** Text of a field that no column holds. `{header}` stands for a column's value, `{date}` for the day. */
  constants?: Partial<Record<Field, string>>
  /** Factor of a field's numbers; `ndvi` stands for all four NDVI fields. */
  scale?: Record<string, number>
  /** Number that is added to a field's numbers after they are scaled; `ndvi` stands for mean, minimum and maximum. */
  offset?: Record<string, number>
  /** Values that stand for "not measured", before they are scaled. */
  nodata?: number[]
  timeZone?: string
  timeFormat?: string
  /** Separator of the cells of a text file: one character. */
  separator?: string
  /** Mark before the decimals. */
  decimal?: '.' | ','
  /** Encoding of a text file, by the name that TextDecoder uses. */
  encoding?: string
  /** Field whose values are the headers of a wide table. Each column that no other field names holds NDVI. */
  wide?: 'class_name' | 'timestamp' | 'site'
  /** Names of the file's classes → names of known classes. */
  classes?: Record<string, string>
}

/** Headers that a mapping names, alone and in texts. */
export function namedHeaders({ columns = {}, constants = {} }: Mapping): string[] {
  const inTexts = Object.values(constants).flatMap(text =>
    Array.from(text.matchAll(/\{([^{}]*)\}/g), ([, name]) => name as string),
  )
  return [...Object.values(columns), ...inTexts]
}
