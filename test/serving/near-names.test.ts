import { expect, it } from 'vitest'
import { nearNames } from '../../functions/serving/near-names.ts'

const NAMES = ['Forest', 'SeaLake', 'River', 'Industrial', 'Residential', 'Pasture', 'AnnualCrop', 'PermanentCrop']

it.each([
  ['Forrest', ['Forest']],
  ['forest', ['Forest']],
  ['Foerst', ['Forest']],
  ['sealake', ['SeaLake']],
  ['Rivr', ['River']],
  ['Residental', ['Residential']],
  ['Sea Lake', ['SeaLake']],
  ['Moon', []],
  ['x', []],
  ['', []],
])('near %j are %j', (name, near) => {
  expect(nearNames(name, NAMES)).toEqual(near)
})

it('lists at most five, the nearest first, then by name', () => {
  const names = Array.from({ length: 9 }, (_, at) => `field-${at}`)
  expect(nearNames('field-3x', names)).toEqual(['field-3', 'field-0', 'field-1', 'field-2', 'field-4'])
})

it('compares long names only near the diagonal: names of 256 characters that differ at the end', () => {
  const names = Array.from({ length: 50 }, (_, at) => `${'a'.repeat(251)}${String(at).padStart(5, '0')}`)
  let reads = 0
  const counted = names.map(name => new Proxy(new String(name), { get: (target, key) => read(target, key) }))
  function read(target: object, key: string | symbol): unknown {
    const value = Reflect.get(target, key)
    if (key === 'toLowerCase') return () => new Proxy(Object(String(target)), { get: (text, at) => read(text, at) })
    if (typeof key === 'string' && /^\d+$/.test(key)) reads++
    return typeof value === 'function' ? value.bind(target) : value
  }
  nearNames(names[7] as string, counted as unknown as string[])
  expect(reads).toBeGreaterThan(0)
  expect(reads).toBeLessThanOrEqual(50 * 256 * 7)
})
