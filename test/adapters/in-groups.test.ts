import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inGroups } from '../../functions/adapters/in-groups.ts'

/** Groups that the test ends, one by one. */
function heldGroups() {
  const handled: string[][] = []
  const ends: ((error?: Error) => void)[] = []
  const groups = inGroups<string, string>(async items => {
    handled.push([...items])
    await new Promise<void>((resolve, reject) => ends.push(error => (error ? reject(error) : resolve())))
    return items.map(item => item.toUpperCase())
  })
  const settled: string[] = []
  return {
    handled,
    settled,
    idle: groups.idle,
    add(...items: string[]): void {
      groups.add(items).then(
        outcomes => settled.push(`${items}: ${outcomes}`),
        error => settled.push(`${items}: ${error.message}`),
      )
    },
    async end(error?: Error): Promise<void> {
      ends.shift()?.(error)
      await turns()
    },
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn()
}

it('calls that come while a group is under way form the next group, in their order', async () => {
  const { handled, settled, add, end } = heldGroups()
  add('a')
  await turns()
  add('b', 'c')
  add()
  add('d')
  await turns()
  expect(handled).toEqual([['a']])
  expect(settled).toEqual([])
  await end()
  expect(handled).toEqual([['a'], ['b', 'c', 'd']])
  expect(settled).toEqual(['a: A'])
  await end()
  expect(settled).toEqual(['a: A', 'b,c: B,C', ': ', 'd: D'])
})

it('a group that fails fails exactly its own calls, and the next group is run', async () => {
  const { handled, settled, add, end } = heldGroups()
  add('a')
  add('b')
  await turns()
  add('c')
  await end(new Error('no room'))
  expect(settled).toEqual(['a: no room', 'b: no room'])
  expect(handled).toEqual([['a', 'b'], ['c']])
  await end()
  expect(settled.slice(2)).toEqual(['c: C'])
  add('d')
  await turns()
  expect(handled).toHaveLength(3)
})

it('is idle when nothing is under way and nothing waits', async () => {
  const { settled, add, end, idle } = heldGroups()
  await idle()
  add('a')
  await turns()
  add('b')
  let isIdle = false
  const waits = idle().then(() => {
    isIdle = true
  })
  await end()
  expect(isIdle).toBe(false)
  await end()
  await waits
  expect(settled).toEqual(['a: A', 'b: B'])
})
