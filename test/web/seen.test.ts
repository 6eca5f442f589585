import { expect, test } from 'vitest'
import { openSeen } from '../../web/seen.ts'

function storage() {
  const items = new Map<string, string>()
  return {
    getItem: (name: string) => items.get(name) ?? null,
    setItem: (name: string, value: string) => void items.set(name, value),
  }
}

test('marks are still there when the page is opened again, until they are removed', () => {
  const stored = storage()
  openSeen(() => stored).mark(['a', 'b'], true)
  const again = openSeen(() => stored)
  expect([...again.keys]).toEqual(['a', 'b'])
  again.mark(['a'], false)
  expect([...openSeen(() => stored).keys]).toEqual(['b'])
})

test('marks of another tab are kept, and appear after a refresh', () => {
  const stored = storage()
  const [one, other] = [openSeen(() => stored), openSeen(() => stored)]
  one.mark(['a'], true)
  other.mark(['b'], true)
  expect([...openSeen(() => stored).keys]).toEqual(['a', 'b'])
  expect([...one.keys]).toEqual(['a'])
  one.refresh()
  expect([...one.keys]).toEqual(['a', 'b'])
})

test('when there are too many marks, the oldest are dropped', () => {
  const stored = storage()
  const seen = openSeen(() => stored)
  seen.mark(['first', ...Array.from({ length: 4_999 }, (_, index) => String(index))], true)
  seen.mark(['first'], true)
  seen.mark(['last'], true)
  expect(seen.keys.size).toBe(5_000)
  expect([seen.keys.has('first'), seen.keys.has('0'), seen.keys.has('last')]).toEqual([true, false, true])
})

test('without storage, marks last while the page is open', () => {
  const seen = openSeen(() => {
    throw new Error('denied')
  })
  seen.mark(['a'], true)
  expect(seen.keys.has('a')).toBe(true)
})

test('stored marks that cannot be parsed are ignored', () => {
  const stored = storage()
  stored.setItem('landcover.seen', '{"a":')
  expect(openSeen(() => stored).keys.size).toBe(0)
})
