import { createHash } from 'node:crypto'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'

/** Compressions of a whole record. The header of a record may stand within, as in all wrappers of whole records. */
export const COMPRESSIONS: Record<string, (data: Uint8Array) => Uint8Array> = {
  gzip: data => gzipSync(data),
  'gzip and a line break': data => Buffer.concat([gzipSync(data), Buffer.from('\n')]),
  zstd: data => zstdCompressSync(data),
  'zstd and a line break': data => Buffer.concat([zstdCompressSync(data), Buffer.from('\r\n')]),
  zlib: data => deflateSync(data),
}

/** Base64 of JSON or of compressed data. */
export const BASE64: Record<string, (data: Uint8Array) => Uint8Array> = {
  base64: data => Buffer.from(Buffer.from(data).toString('base64')),
  'base64 in lines of 76': data => Buffer.from(Buffer.from(data).toString('base64').replace(/.{76}/g, '$&\r\n')),
}

/** What senders put around text. Other bytes cannot be within. */
export const AROUND_TEXT: Record<string, (text: string) => Uint8Array> = {
  'a schema id': text => Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.from(text)]),
  'UTF-16': text => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16, big-endian': text => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
}

/** What senders put around all events of a record. */
export const AROUND_ALL: Record<string, (events: readonly string[]) => string> = {
  array: events => `[${events.join(', ')}]`,
  'array over several lines': events => `[\n  ${events.join(',\n  ')}\n]\n`,
  'an envelope with an array': events => `{"source":"x","payload":[${events.join()}]}`,
  "records of Kafka's REST proxy": events => `{"records":[${events.map(event => `{"value":${event}}`).join()}]}`,
  GeoJSON: events =>
    `{"type":"FeatureCollection","features":[${events.map(event => `{"type":"Feature","properties":${event}}`).join()}]}`,
  'an array in quotes': events => JSON.stringify(`[${events.join()}]`),
  'an array in base64': events => Buffer.from(`[${events.join()}]`).toString('base64'),
}

/** What senders put around each event. */
export const AROUND_EACH: Record<string, (event: string) => string> = {
  nothing: event => event,
  'JSON in quotes': event => JSON.stringify(event),
  base64: event => Buffer.from(event).toString('base64'),
  'gzip in base64': event => gzipSync(event).toString('base64'),
  'an array of one': event => `[${event}]`,
  payload: event => `{"payload":${event}}`,
  'data in quotes': event => `{"data":${JSON.stringify(event)}}`,
  'a CloudEvent': event => `{"specversion":"1.0","id":"1","source":"s","type":"t","data":${event}}`,
  'a CloudEvent in base64': event =>
    `{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"${Buffer.from(event).toString('base64')}"}`,
  'Kafka Connect': event => `{"schema":{"type":"struct"},"payload":${event}}`,
  Debezium: event => `{"schema":{},"payload":{"before":null,"after":${event},"op":"c","ts_ms":1}}`,
  'GeoJSON feature': event => `{"type":"Feature","geometry":null,"properties":${event}}`,
}

/** Aggregates records as the Kinesis Producer Library does. */
export function aggregated(records: readonly Uint8Array[]): Uint8Array {
  const message = Buffer.concat([
    field(1, Buffer.from('partition')),
    ...records.map(data => field(3, Buffer.concat([Buffer.from([0x08, 0x00]), field(3, data)]))),
  ])
  const digest = createHash('md5').update(message).digest()
  return Buffer.concat([Buffer.from([0xf3, 0x89, 0x9a, 0xc2]), message, digest])
}

function field(number: number, content: Uint8Array): Buffer {
  const length: number[] = []
  let rest = content.length
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length, rest]), content])
}
