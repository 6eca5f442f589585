import { expect, it } from 'vitest'
import { HOUR_MS } from '../../functions/core/time.ts'
import { formatClassList, parseClassList } from '../../functions/files/classes-csv.ts'
import { NOON_MS } from '../support/factories.ts'

it('a list of classes is the same after it was written and read, for names with any characters of CSV', () => {
  const names = ['Forest', 'a,b', 'a "b"', 'a\nb', 'a\rb', 'a\r\nb']
  const classes = new Map(names.map((name, index) => [name, index === 0 ? 0 : NOON_MS]))
  expect(parseClassList(formatClassList(classes, HOUR_MS))).toEqual(classes)
})
