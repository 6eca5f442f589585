import type { Mapping } from './mapping.ts'
import { PRESETS } from './presets.ts'
import { FIELDS, type Field, NUMBER_FIELDS, SourceError } from './rows.ts'

const KEYS: Record<keyof Mapping, string> = {
  format: 'string',
  columns: 'object',
  constants: 'object',
  scale: 'object',
  offset: 'object',
  nodata: 'object',
  timeZone: 'string',
  timeFormat: 'string',
  separator: 'string',
  decimal: 'string',
  encoding: 'string',
  wide: 'string',
  classes: 'object',
}

const SCALABLE: readonly string[] = ['ndvi', ...NUMBER_FIELDS]

/** @throws SourceError that names what is missing or wrong in the mapping */
export function checkMapping(mapping: Mapping): Mapping {
  for (const [key, value] of Object.entries(mapping)) {
    const type = KEYS[key as keyof Mapping]
    if (type === undefined) throw new SourceError(`a mapping has no '${key}': it has ${Object.keys(KEYS).join(', ')}`)
    if (typeof value !== type || value === null) throw new SourceError(`'${key}' of a mapping must be of type ${type}`)
  }
  for (const field of [...Object.keys(mapping.columns ?? {}), ...Object.keys(mapping.constants ?? {})]) {
    if (!FIELDS.includes(field as Field)) throw new SourceError(`there is no field '${field}': ${fieldsOf(FIELDS)}`)
  }
  for (const [field, factor] of Object.entries(mapping.scale ?? {})) {
    if (!SCALABLE.includes(field)) throw new SourceError(`'${field}' cannot be scaled: ${fieldsOf(SCALABLE)}`)
    if (!Number.isFinite(factor) || factor === 0) throw new SourceError(`the scale of ${field} must be a number, not 0`)
  }
  for (const [field, offset] of Object.entries(mapping.offset ?? {})) {
    if (!SCALABLE.includes(field)) throw new SourceError(`'${field}' cannot have an offset: ${fieldsOf(SCALABLE)}`)
    if (!Number.isFinite(offset)) throw new SourceError(`the offset of ${field} must be a number`)
  }
  if (mapping.nodata && !(Array.isArray(mapping.nodata) && mapping.nodata.every(Number.isFinite))) {
    throw new SourceError("'nodata' of a mapping must be a list of numbers")
  }
  if (mapping.separator !== undefined && mapping.separator.length !== 1) {
    throw new SourceError(`the separator must be one character, such as ';', not '${mapping.separator}'`)
  }
  if (mapping.decimal !== undefined && !['.', ','].includes(mapping.decimal)) {
    throw new SourceError(`the decimal mark is '.' or ',', not '${mapping.decimal}'`)
  }
  if (mapping.wide !== undefined && !['class_name', 'timestamp', 'site'].includes(mapping.wide)) {
    throw new SourceError(`'wide' is class_name, timestamp or site, not '${mapping.wide}'`)
  }
  if (mapping.format !== undefined && !PRESETS.some(({ name }) => name === mapping.format)) {
    const names = PRESETS.map(({ name }) => name).join(', ')
    throw new SourceError(`there is no format '${mapping.format}': the formats are ${names}`)
  }
  if (mapping.encoding !== undefined) checkEncoding(mapping.encoding)
  return mapping
}

function fieldsOf(names: readonly string[]): string {
  return `the fields are ${names.join(', ')}`
}

function checkEncoding(encoding: string): void {
  try {
    new TextDecoder(encoding)
  } catch {
    throw new SourceError(`'${encoding}' is not an encoding: write utf-8, latin1, windows-1252 or utf-16le`)
  }
}
