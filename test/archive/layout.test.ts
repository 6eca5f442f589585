import { expect, it } from 'vitest'
import { archiveKey, fileName, parseArchiveKey, slotPrefix } from '../../functions/archive/layout.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { NOON_MS } from '../support/factories.ts'

const KEY = 'archive/arrival_slot=2026-11-22T12-00/stream.shard-0-9-10.parquet'

it('a file of the archive is named by slot, lane, first and last record, and these are read from its name', () => {
  expect(archiveKey(NOON_MS, HOUR_MS, 'stream.shard-0', '9', '10')).toBe(KEY)
  expect(parseArchiveKey(KEY)).toEqual({ slot: NOON_MS, lane: 'stream.shard-0', first: '9', last: '10' })
  expect(KEY.startsWith(slotPrefix(NOON_MS, HOUR_MS))).toBe(true)
  expect(slotPrefix(NOON_MS, HOUR_MS)).toBe('archive/arrival_slot=2026-11-22T12-00/')
  expect(fileName(KEY)).toBe('stream.shard-0-9-10.parquet')
  expect(fileName('plain')).toBe('plain')
})

it('an object with another key is not a file of the archive', () => {
  const others = [
    `x${KEY}`,
    `${KEY}x`,
    KEY.replace('.parquet', '.json'),
    KEY.replace('-0-9-10', '-10'),
    KEY.replace('9', 'a'),
  ]
  expect(others.map(parseArchiveKey)).toEqual(others.map(() => null))
})
