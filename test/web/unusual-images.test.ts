import { describe, expect, test } from 'vitest'
import { createClock } from '../../web/view-models/format.ts'
import {
  ruleNames,
  unusualImageItems,
  unusualImageKey,
  unusualImagesBetween,
} from '../../web/view-models/unusual-images.ts'
import { at, chosen, unusualImage } from './factories.ts'

const clock = createClock('UTC')
const now = at('14:15:00')
const none = new Set<string>()

describe('unusual images', () => {
  test('an unusual image has its local time, its UTC time and its distance from normal', () => {
    const berlin = createClock('Europe/Berlin')
    expect(unusualImageItems([unusualImage()], chosen(), none, berlin, now)[0]).toMatchObject({
      time: '15:12:03',
      timeTitle: '2026-11-22T14:12:03.000Z',
      imageId: 'Forest_7',
      ndvi: '0.210',
      off: '4.2 sd below',
      direction: 'below',
    })
  })

  test('an image that two rules flag has two rows with different keys', () => {
    const items = unusualImageItems([unusualImage(), unusualImage({ rule: 'image-range' })], chosen(), none, clock, now)
    expect(new Set(items.map(item => item.key)).size).toBe(2)
  })

  test('an unknown rule is shown, and can be chosen', () => {
    const rows = [unusualImage({ rule: 'flood' })]
    expect(unusualImageItems(rows, chosen(), none, clock, now)[0]).toMatchObject({
      rule: 'flood',
      ruleTitle: 'Baseline 3.',
    })
    expect(ruleNames(rows, null)).toEqual(['class-zscore', 'image-range', 'flood'])
    expect(ruleNames([], 'drought')).toContain('drought')
  })

  test('only matching unusual images are shown, also from an answer for an older choice', () => {
    const rows = [
      unusualImage(),
      unusualImage({ rule: 'image-range', score: 2.9 }),
      unusualImage({ class_name: 'River' }),
    ]
    const shown = (search: string) => unusualImageItems(rows, chosen(search), none, clock, now).length
    expect([shown(''), shown('rule=image-range'), shown('off=3'), shown('off=5'), shown('class=River')]).toEqual([
      3, 1, 2, 0, 1,
    ])
  })

  test('seen unusual images are marked, and can be hidden', () => {
    const rows = [unusualImage(), unusualImage({ image_id: 'Forest_8' })]
    const seen = new Set([unusualImageKey(unusualImage())])
    const items = (search: string) => unusualImageItems(rows, chosen(search), seen, clock, now)
    expect(items('').map(item => item.seen)).toEqual([true, false])
    expect(items('seen=hidden').map(item => item.imageId)).toEqual(['Forest_8'])
  })

  test('unusual images of a period are counted', () => {
    const rows = [unusualImage(), unusualImage({ class_name: 'River' })]
    expect(unusualImagesBetween(rows, at('14:12:03'), at('14:20'))).toBe(2)
    expect(unusualImagesBetween(rows, at('14:00'), at('14:12:03'))).toBe(0)
  })
})
