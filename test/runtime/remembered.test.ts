import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { HOUR_MS } from '../../functions/core/time.ts'
import { remembered } from '../../functions/runtime/reference.ts'

it('what is remembered for a time is read again after it, also where the clock was set back', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  let reads = 0
  const value = remembered(50, async () => ++reads)
  expect(await value()).toBe(1)
  vi.setSystemTime(Date.now() - HOUR_MS)
  while ((await value()) === 1) await sleep(10)
  expect(reads).toBe(2)
})

it('what is remembered is read once within its time, and at once where the clock says that it is over', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  let reads = 0
  const value = remembered(HOUR_MS, async () => ++reads)
  for (let asked = 0; asked < 3; asked++) expect(await value()).toBe(1)
  vi.setSystemTime(Date.now() + 2 * HOUR_MS)
  expect(await value()).toBe(2)
})
