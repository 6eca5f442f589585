import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { functionInThread } from '../../functions/adapters/thread.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SCRIPT = `
  import { parentPort } from 'node:worker_threads'
  parentPort.on('message', ({ id, event }) => {
    if (event === 'crash') throw new Error('boom')
    if (event === 'end') process.exit(1)
    parentPort.postMessage({ kind: 'log', line: 'a line' })
    setTimeout(() => parentPort.postMessage({ id, result: event * 2 }), 50)
  })`

function openThread() {
  const file = join(temporaryFolder(), 'thread.mjs')
  writeFileSync(file, SCRIPT)
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const thread = functionInThread<unknown, number>(pathToFileURL(file), null, { log: write, metrics: write })
  onTestFinished(() => thread.stop())
  return { call: thread.call, lines }
}

it('answers calls, and passes on what the thread writes', async () => {
  const { call, lines } = openThread()
  expect(await Promise.all([call(1), call(2)])).toEqual([2, 4])
  expect(lines).toEqual(['a line', 'a line'])
})

it.each([
  ['crash', 'boom'],
  ['end', 'the thread has ended'],
])('fails the calls of a thread that reaches its %s, but not those of the next thread', async (event, message) => {
  const { call } = openThread()
  for (let time = 0; time < 3; time++) {
    await expect(call(event)).rejects.toThrow(message)
    expect(await call(21)).toBe(42)
  }
})
