import { expect, it } from 'vitest'
import { type ClassList, isKnownClass, withClasses } from '../../functions/core/classes.ts'

const HOUR = 3_600_000
const CLASSES: ClassList = new Map([
  ['Forest', 0],
  ['Glacier', 5 * HOUR],
])

it('a class is known from its slot onwards', () => {
  expect(isKnownClass(CLASSES, 'Forest', 0)).toBe(true)
  expect(isKnownClass(CLASSES, 'Glacier', 4 * HOUR)).toBe(false)
  expect(isKnownClass(CLASSES, 'Glacier', 5 * HOUR)).toBe(true)
  for (const name of ['Moon', '', 'forest', '__proto__', 'constructor']) {
    expect(isKnownClass(CLASSES, name, 9 * HOUR)).toBe(false)
  }
})

it('adding classes never changes from which slot the others are known', () => {
  const more = withClasses(CLASSES, ['Glacier', 'Moon', 'Moon'], 7 * HOUR)
  expect([...more]).toEqual([
    ['Forest', 0],
    ['Glacier', 5 * HOUR],
    ['Moon', 7 * HOUR],
  ])
  expect(CLASSES.size).toBe(2)
})
