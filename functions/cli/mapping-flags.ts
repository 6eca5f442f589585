import { readFileSync } from 'node:fs'
import { checkMapping } from '../files/check-mapping.ts'
import type { Mapping } from '../files/mapping.ts'
import { PRESETS } from '../files/presets.ts'
import { type Flag, UsageError } from './command.ts'

/** Flags that map the columns of people's files to fields of events. */
export const MAPPING_FLAGS = {
  column: { type: 'string', multiple: true, value: 'FIELD=HEADER', help: 'Column that holds a field; may be repeated' },
  constant: {
    type: 'string',
    multiple: true,
    value: 'FIELD=TEXT',
    help: 'Text for a field that has no column, such as class_name=Forest; it may contain {HEADER}, {date} and {file}',
  },
  'image-id': { type: 'string', value: 'TEXT', help: "Text for the field image_id, such as '{site}_{date}'" },
  format: {
    type: 'string',
    value: 'NAME',
    help: `Program that wrote the files: ${PRESETS.map(({ name }) => name).join(', ')} (default: recognised by the headers)`,
  },
  wide: { type: 'string', value: 'KIND', help: 'Headers are values: class_name, timestamp or site' },
  class: {
    type: 'string',
    multiple: true,
    value: 'THEIRS=OURS',
    help: 'Known class for a class name of the file; may be repeated',
  },
  scale: {
    type: 'string',
    multiple: true,
    value: '[FIELD=]FACTOR',
    help: 'Factor for the numbers of a field; a number alone, such as 0.0001, is the factor for NDVI',
  },
  offset: {
    type: 'string',
    multiple: true,
    value: '[FIELD=]NUMBER',
    help: 'Number that is added after scaling; a number alone, such as -0.08, is added to NDVI',
  },
  nodata: {
    type: 'string',
    multiple: true,
    value: 'NUMBER|none',
    help: 'Number that means "not measured", before scaling; rows without NDVI are then left out without an error',
  },
  'time-zone': {
    type: 'string',
    value: 'NAME',
    help: 'Time zone for times without a zone, such as Europe/Berlin (default UTC)',
  },
  'time-format': {
    type: 'string',
    value: 'FORMAT',
    help: 'Format of the times, such as DD.MM.YYYY or MM/DD/YYYY HH:mm',
  },
  separator: { type: 'string', value: 'CHARACTER', help: 'Character between cells (default: found by the header)' },
  decimal: { type: 'string', value: '.|,', help: 'Decimal mark (default: found by the first rows)' },
  encoding: {
    type: 'string',
    value: 'NAME',
    help: 'Encoding of text files, such as latin1 (default UTF-8, or UTF-16 if the file has its byte order mark)',
  },
  mapping: {
    type: 'string',
    value: 'FILE.json',
    help: 'File with all these settings; flags override it',
  },
} as const satisfies Record<string, Flag>

type Values = {
  [Name in keyof typeof MAPPING_FLAGS]:
    | ((typeof MAPPING_FLAGS)[Name] extends { multiple: true } ? string[] : string)
    | undefined
}

/** Makes the mapping from the flags. @throws UsageError that names the flag, or SourceError for a wrong mapping */
export function mappingOf(flags: Values): Mapping {
  const file = flags.mapping === undefined ? {} : readMapping(flags.mapping)
  const constants = { ...file.constants, ...pairs('constant', flags.constant) }
  if (flags['image-id'] !== undefined) constants.image_id = flags['image-id']
  const merged: Record<string, unknown> = {
    ...file,
    columns: { ...file.columns, ...pairs('column', flags.column) },
    constants,
    classes: { ...file.classes, ...pairs('class', flags.class) },
    scale: { ...file.scale, ...numbersOfFields('scale', flags.scale) },
    offset: { ...file.offset, ...numbersOfFields('offset', flags.offset) },
    nodata: flags.nodata === undefined ? file.nodata : flags.nodata.flatMap(numberOrNone),
    format: flags.format ?? file.format,
    wide: flags.wide ?? file.wide,
    timeZone: flags['time-zone'] ?? file.timeZone,
    timeFormat: flags['time-format'] ?? file.timeFormat,
    separator: flags.separator?.replace(/^\\t$|^tab$/, '\t') ?? file.separator,
    decimal: flags.decimal ?? file.decimal,
    encoding: flags.encoding ?? file.encoding,
  }
  const isSaid = (value: unknown) =>
    value !== undefined &&
    (typeof value !== 'object' || Array.isArray(value) || Object.keys(value as object).length > 0)
  return checkMapping(Object.fromEntries(Object.entries(merged).filter(([, value]) => isSaid(value))))
}

function readMapping(path: string): Mapping {
  try {
    return checkMapping(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new UsageError(`--mapping: ${path} cannot be used: ${(error as Error).message}`)
  }
}

function pairs(flag: string, texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map(text => {
      const at = text.indexOf('=')
      if (at < 1) throw new UsageError(`--${flag} takes NAME=VALUE, not '${text}'`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

function numbersOfFields(flag: 'scale' | 'offset', texts: readonly string[] = []): Record<string, number> {
  return Object.fromEntries(
    texts.map(text => {
      const [field, number] = text.includes('=') ? text.split('=', 2) : ['ndvi', text]
      return [field, plainNumber(flag, number as string)]
    }),
  )
}

function numberOrNone(text: string): number[] {
  return text === 'none' ? [] : [plainNumber('nodata', text)]
}

function plainNumber(flag: string, text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number)) throw new UsageError(`--${flag} takes a number, not '${text}'`)
  return number
}
