import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeEvent, InvalidEventError, OPTIONAL_FIELDS } from '../../functions/core/event.ts'
import { NUMBERS, REQUIRED, TEXTS } from '../../functions/core/event-fields.ts'
import { EVENT_SCHEMA } from '../../functions/serving/event-schema.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'

const properties = EVENT_SCHEMA.properties as Record<string, Record<string, unknown>>
const FIELDS = [...REQUIRED, ...OPTIONAL_FIELDS]

test('the schema has every field of an event, and no other', () => {
  expect(Object.keys(properties).sort()).toEqual([...FIELDS].sort())
  expect(Object.keys({ ...NUMBERS, ...TEXTS, timestamp: '' }).sort()).toEqual([...FIELDS].sort())
})

test.for(REQUIRED)('an event without %s is refused, as the schema says', field => {
  const { [field]: _, ...without } = wireEvent()
  expect(() => decodeEvent(without, NOON_MS)).toThrow(InvalidEventError)
  expect(properties[field]?.type).not.toEqual(expect.arrayContaining(['null']))
})

test('its example is a valid event', () => {
  const [example] = EVENT_SCHEMA.examples as unknown[]
  expect(() =>
    decodeEvent(example, Date.parse('2026-11-22T14:00:00Z'), ({ message }) => expect.fail(message)),
  ).not.toThrow()
})

test('the forms of times that it names are read', () => {
  for (const timestamp of ['2026-11-22T10:00:00Z', '2026-11-22', 1e11]) {
    expect(() => decodeEvent({ ...wireEvent(), timestamp }, NOON_MS)).not.toThrow()
  }
})

test('the page about data has every field', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/your-data.md'), 'utf8')
  for (const field of FIELDS) expect(page).toContain(`\`${field}\``)
})
