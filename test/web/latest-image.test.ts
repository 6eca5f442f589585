import { expect, test } from 'vitest'
import { createClock } from '../../web/view-models/format.ts'
import { subline } from '../../web/view-models/headline.ts'
import { type NowView, nowView } from '../../web/view-models/now.ts'
import { at, health, statsRow, systemHealth, windowStats } from './factories.ts'

const clock = createClock('UTC')
const now = at('14:15:00')
const taken = now - 30 * 3_600_000

/** View of a window around that time. */
function view(state: 'open' | 'closed'): NowView {
  const [startMs, endMs] = [taken - 300_000, taken + 300_000]
  const rows = [{ ...windowStats('Forest', '14:10', { state, count: 3 }), startMs, endMs }]
  return nowView(rows, [statsRow('Forest')], clock, now, taken) as NowView
}

test('the newest images of a source that is days late are shown with the time when they were taken', () => {
  expect(view('open')).toMatchObject({ latest: '21 Nov 08:15', range: '21 Nov 08:10–08:20', isRecent: false })
  expect(subline(view('open'), undefined, 50, false)).toBe(
    'Latest image: 21 Nov 08:15. 3 images of 1 class so far in the window 21 Nov 08:10–08:20.',
  )
})

test('their window is not complete until it is closed, at any time of the clock', () => {
  expect([view('open').filling, view('closed').filling]).toEqual([true, false])
  expect(subline(view('closed'), undefined, 50, false)).toContain('3 images of 1 class in the window')
})

test('the newest images of other sources are shown without a time', () => {
  const { latest } = nowView([windowStats('Forest', '14:10')], [], clock, now) as NowView
  expect(latest).toBeNull()
})

test('the time of the latest image comes from health, and is unknown for an older API', () => {
  expect(systemHealth({ latest_image_at: new Date(taken).toISOString() }).latestImageMs).toBe(taken)
  expect(systemHealth().latestImageMs).toBeNull()
  const { latest_image_at: _, ...older } = health()
  expect(systemHealth({ ...older, latest_image_at: undefined as never }).latestImageMs).toBeNull()
})
