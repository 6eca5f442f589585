import { describe, expect, it } from 'vitest'
import { byClass, type DayHistory, mergeDays } from '../../functions/batch/day-history.ts'
import { addHistories } from '../../functions/core/history.ts'
import { imageEvent } from '../support/factories.ts'
import { historyOf } from '../support/histories.ts'

/** A row of one bin, as the statements return it. */
const row = (bin: number, { day = '2026-11-21', className = 'Forest' } = {}): DayHistory => ({
  arrivalDay: '2026-11-22',
  day,
  className,
  history: historyOf([imageEvent({ ndviMean: bin * 1000 })]),
})

/** Counts the entries that are added to maps while the work runs. */
function entriesPut(work: () => unknown): number {
  const { set } = Map.prototype
  let count = 0
  Map.prototype.set = function (key, value) {
    count++
    return set.call(this, key, value)
  }
  try {
    work()
  } finally {
    Map.prototype.set = set
  }
  return count
}

describe('rows of the same days and class', () => {
  it('become one row, in the order of days and classes', () => {
    const rows = [
      row(3, { className: 'River' }),
      row(7),
      row(5, { day: '2026-11-20' }),
      row(7, { className: 'River' }),
      row(7),
      row(-2),
    ]
    const merged = mergeDays(rows)
    expect(merged.map(({ day, className }) => `${day} ${className}`)).toEqual([
      '2026-11-20 Forest',
      '2026-11-21 Forest',
      '2026-11-21 River',
    ])
    expect(merged.map(({ history }) => history)).toEqual([
      row(5, { day: '2026-11-20' }).history,
      [row(7), row(7), row(-2)].map(({ history }) => history).reduce(addHistories),
      [row(3), row(7)].map(({ history }) => history).reduce(addHistories),
    ])
    expect(byClass(rows)).toEqual(
      new Map([
        ['River', merged[2]?.history],
        [
          'Forest',
          merged
            .slice(0, 2)
            .map(({ history }) => history)
            .reduce(addHistories),
        ],
      ]),
    )
  })

  it('are not changed themselves', () => {
    const rows = [row(1), row(1), row(2)]
    mergeDays(rows)
    byClass(rows)
    expect(rows).toEqual([row(1), row(1), row(2)])
  })

  it.each([
    ['days', mergeDays],
    ['classes', byClass],
  ])('are added to their %s once each, no matter how many bins exist already', (_, add) => {
    const rows = Array.from({ length: 800 }, (_, bin) => row(bin))
    expect(entriesPut(() => add(rows))).toBeLessThanOrEqual(2 * rows.length)
  })
})
