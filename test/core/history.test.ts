import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addHistories, emptyHistory, type History, timeMoments } from '../../functions/core/history.ts'
import { dayOf } from '../../functions/core/time.ts'
import { imageEvents } from '../support/arbitraries.ts'
import { imageEvent, NOON_MS } from '../support/factories.ts'
import { historyOf } from '../support/histories.ts'

const someImages = fc.array(imageEvents, { maxLength: 6 })
const groups = fc.array(someImages, { maxLength: 8 })

const inOrder = (histogram: ReadonlyMap<number, number>) => [...histogram].sort(([a], [b]) => a - b)

describe('histories', () => {
  it('add up to the history of all images, for any grouping of the images', () => {
    fc.assert(
      fc.property(groups, images => {
        const { histogram, ...sums } = images.map(historyOf).reduce(addHistories, emptyHistory())
        const { histogram: expected, ...expectedSums } = historyOf(images.flat())
        expect(sums).toEqual(expectedSums)
        expect(inOrder(histogram)).toEqual(inOrder(expected))
      }),
    )
  })

  it('add up to the same in any order and grouping', () => {
    fc.assert(
      fc.property(someImages, someImages, someImages, (...images) => {
        const [a, b, c] = images.map(historyOf) as [History, History, History]
        expect(addHistories(a, b)).toEqual(addHistories(b, a))
        expect(addHistories(addHistories(a, b), c)).toEqual(addHistories(a, addHistories(b, c)))
      }),
    )
  })

  it('are not changed by being added', () => {
    const [a, b] = [historyOf([imageEvent()]), historyOf([imageEvent()])]
    addHistories(a, b)
    expect([a, b]).toEqual([historyOf([imageEvent()]), historyOf([imageEvent()])])
  })

  it('keep bins below zero separate from bins above', () => {
    const water = historyOf([imageEvent({ ndviMean: -1 }), imageEvent({ ndviMean: -1000 })])
    const land = historyOf([imageEvent({ ndviMean: 0 }), imageEvent({ ndviMean: 999 })])
    expect(addHistories(water, land).histogram).toEqual(
      new Map([
        [-1, 2],
        [0, 2],
      ]),
    )
  })
})

describe('the time moments of a day', () => {
  it('are the time moments of its images', () => {
    fc.assert(
      fc.property(fc.array(imageEvents, { maxLength: 10 }), fc.nat(NOON_MS), (images, eventMs) => {
        const { totals, time } = historyOf(images.map(image => ({ ...image, eventMs })))
        expect(timeMoments(dayOf(eventMs), totals)).toEqual(time)
      }),
    )
  })
})
