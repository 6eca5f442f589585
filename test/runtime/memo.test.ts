import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { HOUR_MS } from '../../functions/core/time.ts'
import { lazy, remembered } from '../../functions/runtime/memo.ts'

it('a cached value is read again after its time, also when the clock was set back', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  let reads = 0
  const value = remembered(50, async () => ++reads)
  expect(await value()).toBe(1)
  vi.setSystemTime(Date.now() - HOUR_MS)
  while ((await value()) === 1) await sleep(10)
  expect(reads).toBe(2)
})

it('a cached value is read once within its time, and at once when the clock says that the time is over', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  let reads = 0
  const value = remembered(HOUR_MS, async () => ++reads)
  for (let asked = 0; asked < 3; asked++) expect(await value()).toBe(1)
  vi.setSystemTime(Date.now() + 2 * HOUR_MS)
  expect(await value()).toBe(2)
})

function lazyResource() {
  const told: string[] = []
  const failures: Error[] = []
  const resource = lazy(async () => {
    told.push('opened')
    const failure = failures.pop()
    if (failure) throw failure
    return { close: async () => void told.push('closed') }
  })
  return { told, failures, resource }
}

it('a resource that nobody uses is neither opened nor closed', async () => {
  const { told, resource } = lazyResource()
  await resource.close()
  expect(told).toEqual([])
})

it('a resource is opened once for all its users, and closed', async () => {
  const { told, resource } = lazyResource()
  const [one, other] = await Promise.all([resource.open(), resource.open()])
  expect(one).toBe(other)
  expect(await resource.open()).toBe(one)
  await resource.close()
  expect(told).toEqual(['opened', 'closed'])
})

it('a resource that could not be opened is tried again, and closed if that succeeds', async () => {
  const { told, failures, resource } = lazyResource()
  failures.push(new Error('the server is away'))
  await expect(resource.open()).rejects.toThrow('the server is away')
  await resource.close()
  expect(told).toEqual(['opened'])
  await resource.open()
  await resource.close()
  expect(told).toEqual(['opened', 'opened', 'closed'])
})
