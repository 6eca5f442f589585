import { expect, test } from 'vitest'
import { REJECTION_REASONS } from '../../functions/core/record.ts'
import { createClock } from '../../web/view-models/format.ts'
import { queriesOf } from '../../web/view-models/questions.ts'
import { refusedView } from '../../web/view-models/refused.ts'
import { at, chosen, refusedRecord, systemHealth } from './factories.ts'

const clock = createClock('Europe/Berlin')
const NOW = at('14:15:00')

test('there is nothing to show without refused records', () => {
  expect(refusedView(undefined, 3, clock, NOW)).toBeNull()
  expect(refusedView([], 0, clock, NOW)).toBeNull()
})

test('a refused record has its local time, its reason in words, its place and its first bytes', () => {
  const view = refusedView([refusedRecord()], 1, clock, NOW)
  expect(view).toEqual({
    note: '1 record or line',
    items: [
      {
        key: 'tiles/0 17 2',
        time: '15:12:03',
        timeTitle: '2026-11-22T14:12:03.000Z',
        reason: 'Unknown class',
        detail: 'class_name is not a known class',
        place: 'record 17, line 2',
        placeTitle: 'Lane tiles/0',
        beginning: '{"class_name":"Ufo"}',
      },
    ],
  })
})

test('a whole record has no line, and an empty one no bytes', () => {
  const view = refusedView([refusedRecord({ line: null, bytes: 0, beginning: '' })], 1, clock, NOW)
  expect(view?.items[0]).toMatchObject({ place: 'record 17', beginning: 'no bytes', key: 'tiles/0 17 null' })
})

test('the note says how many are not shown', () => {
  const rows = [refusedRecord(), refusedRecord({ line: 3 })]
  expect(refusedView(rows, 1_204, clock, NOW)?.note).toBe('The newest 2 of 1,204')
  expect(refusedView(rows, undefined, clock, NOW)?.note).toBe('2 records or lines')
})

test('every reason has words', () => {
  for (const reason of REJECTION_REASONS) {
    expect(refusedView([refusedRecord({ reason })], 1, clock, NOW)?.items[0]?.reason).toMatch(/^[A-Z][\w -]+$/)
  }
})

test('refused records are requested when there are some, and again when their number has changed', () => {
  const queryAt = (count: number) => queriesOf(chosen(), 50, systemHealth({ quarantine: { count } }), NOW).refused
  expect(queryAt(3)).toEqual({ url: '/api/quarantine?limit=20', state: '3', skip: false })
  expect(queryAt(4).state).not.toBe(queryAt(3).state)
  expect(queryAt(0).skip).toBe(true)
  expect(queriesOf(chosen(), 50, undefined, NOW).refused.skip).toBe(true)
})

test('refused records that are gone are no longer shown', () => {
  expect(refusedView([refusedRecord()], 0, clock, NOW)).toBeNull()
})
