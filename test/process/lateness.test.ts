import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { latenessOf } from '../../functions/runtime/local/settings.ts'
import { readState } from '../../functions/runtime/local/state.ts'
import type { WindowRow } from '../../functions/serving/schemas.ts'
import { eventually, runStart, type System, startSystem } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Sends one image that was taken some time ago. */
async function sendImage({ url }: System, imageId: string, ageMs: number): Promise<void> {
  const timestamp = new Date(Date.now() - ageMs).toISOString()
  const body = JSON.stringify({ image_id: imageId, class_name: 'Forest', ndvi_mean: 0.5, timestamp })
  const headers = { 'Content-Type': 'application/x-ndjson' }
  expect((await fetch(`${url}/api/events`, { method: 'POST', headers, body })).status).toBe(202)
}

const newest = (system: System) => system.get<WindowRow[]>('/api/realtime/ndvi')

describe('npm start -- --lateness', () => {
  it('2d: an image of 30 hours ago is not late, and the page gets it as the newest', async () => {
    const state = join(temporaryFolder(), 'state')
    const system = await startSystem(state, ['--lateness', '2d'])
    await sendImage(system, 'scene', 30 * HOUR_MS)
    const rows = await eventually(
      () => newest(system),
      found => found.length > 0,
    )
    expect(rows).toMatchObject([{ class_name: 'Forest', state: 'open', count: 1, late_count: 0 }])
    const { status, reasons, allowed_lateness_ms, latest_image_at, watermark } = await system.health()
    expect({ status, reasons, allowed_lateness_ms }).toEqual({
      status: 'ok',
      reasons: [],
      allowed_lateness_ms: 2 * DAY_MS,
    })
    const [row] = rows as [WindowRow]
    const takenMs = Date.parse(String(latest_image_at))
    expect(takenMs).toBeGreaterThanOrEqual(Date.parse(row.window_start))
    expect(takenMs).toBeLessThan(Date.parse(row.window_end))
    expect(Date.now() - Date.parse(String(watermark))).toBeGreaterThanOrEqual(2 * DAY_MS)
    await system.interrupt()

    // The state remembers it.
    const again = await startSystem(state)
    expect((await again.health()).allowed_lateness_ms).toBe(2 * DAY_MS)
    expect(await newest(again)).toMatchObject([{ count: 1, late_count: 0 }])
  })

  it('is five minutes without it: the same image is late, and is not shown as the newest', async () => {
    const system = await startSystem(join(temporaryFolder(), 'state'))
    await sendImage(system, 'scene', 30 * HOUR_MS)
    await eventually(system.classStats, rows => rows.length > 0)
    expect(await newest(system)).toEqual([])
    const from = new Date(Date.now() - 31 * HOUR_MS).toISOString()
    const rows = await system.get<WindowRow[]>(`/api/windows?from=${from}`)
    expect(rows.map(({ count, late_count }) => [count, late_count])).toEqual([[1, 1]])
  })

  it('that differs from before begins with a later slot, and both layers agree on images before and after', async () => {
    const state = join(temporaryFolder(), 'state')
    const first = await startSystem(state, ['--slot', '1s'])
    await sendImage(first, 'before', 30 * HOUR_MS)
    await eventually(first.classStats, rows => rows.length > 0)
    // The archive may not have it yet.
    await first.kill()

    const second = await startSystem(state, ['--lateness', '2d'])
    const lateness = latenessOf(readState(state))
    expect(lateness.map(({ ms }) => ms)).toEqual([5 * MINUTE_MS, 2 * DAY_MS])
    const since = lateness[1]?.since as number
    expect(since % 1_000).toBe(0)
    await eventually(
      async () => Date.now(),
      nowMs => nowMs > since,
    )
    await sendImage(second, 'after', 30 * HOUR_MS)
    const { batch } = await eventually(second.health, health => health.batch.images === 2)
    expect(batch.last_run_error).toBeNull()
    const rows = await newest(second)
    expect(rows.reduce((sum, { late_count }) => sum + (late_count ?? 0), 0)).toBe(1)
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(2)
  })

  it('that begins later is announced at the start, with the time from which it holds', async () => {
    const state = join(temporaryFolder(), 'state')
    const first = await startSystem(state, ['--slot', '24h'])
    await sendImage(first, 'before', MINUTE_MS)
    await eventually(first.classStats, rows => rows.length > 0)
    await first.interrupt()
    const { stdout } = await (await startSystem(state, ['--lateness', '6h'])).interrupt()
    expect(stdout).toMatch(
      /^Images that arrive from \d{4}-\d\d-\d\dT00:00:00\.000Z on have the allowed lateness 6h\.$/m,
    )
  })

  it.each(['', '2', '30s', '15d', 'two days'])(
    '%j is refused, with exit code 2 and the accepted values',
    async text => {
      const state = join(temporaryFolder(), 'state')
      const { code, stderr } = await runStart(['--state', state, '--lateness', text]).finished
      expect(stderr).toMatch(`--lateness: '${text}' is not an allowed lateness: write 5m, 6h or 2d, from 1m to 14d`)
      expect(code).toBe(2)
    },
  )
})
