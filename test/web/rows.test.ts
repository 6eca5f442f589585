import { describe, expect, test } from 'vitest'
import { decodeAlerts, decodeClassStats, decodeHealth, decodeWindows } from '../../web/rows.ts'
import { alertRow, health, statsRow, windowRow } from './factories.ts'

describe('decoding the answers', () => {
  test('well-formed rows come through unchanged', () => {
    expect(decodeWindows([windowRow('Forest', '14:00')])).toEqual([windowRow('Forest', '14:00')])
    expect(decodeAlerts([alertRow()])).toEqual([alertRow()])
    expect(decodeClassStats([statsRow('River')])).toEqual([statsRow('River')])
    expect(decodeHealth(health())).toEqual(health())
  })

  test('what is missing or no number is unknown, not zero', () => {
    expect(decodeClassStats([{ class_name: 'River', count: '12', ndvi_avg: Number.NaN }])[0]).toMatchObject({
      count: null,
      ndvi_avg: null,
      red_avg: null,
    })
  })

  test('a row without class or time is left out, the others stay', () => {
    const rows = [null, 7, {}, { ...windowRow('A', '14:00'), window_start: 'soon' }, windowRow('B', '14:00')]
    expect(decodeWindows(rows).map(row => row.class_name)).toEqual(['B'])
  })

  test('a body that is no answer at all is refused', () => {
    expect(() => decodeWindows({ message: 'Internal server error' })).toThrow(TypeError)
    expect(() => decodeHealth({ message: 'Service Unavailable' })).toThrow(TypeError)
    expect(() => decodeHealth(null)).toThrow(TypeError)
  })

  test('a health report with parts missing is still a report', () => {
    expect(decodeHealth({ status: 'degraded' })).toMatchObject({
      status: 'degraded',
      speed: { lanes: [], lag_ms: null },
      batch: { cut: null },
      quarantine: { count: null },
    })
  })
})
