import { readdirSync } from 'node:fs'
import { expect, it, onTestFinished, vi } from 'vitest'
import { readEnvironment } from '../../../functions/runtime/config/environment.ts'
import { endpointsOf } from '../../../functions/runtime/local/endpoints.ts'
import { openLocalRuntime } from '../../../functions/runtime/local/runtime.ts'
import { openState } from '../../../functions/runtime/local/state.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** The system of a new state folder, with nothing open yet. */
async function newSystem(servers: { log?: string; store?: string } = {}) {
  const folder = temporaryFolder()
  const settings = await openState(folder, { slotMs: 60_000, demo: false, createdMs: 1 })
  const asked = { log: undefined, store: undefined, ...servers }
  const addresses = endpointsOf(folder, settings, asked)
  const runtime = await openLocalRuntime(folder, settings, addresses, readEnvironment({}), () => {})
  onTestFinished(() => runtime.close())
  return { folder, runtime }
}

it('a system whose servers cannot be reached can still read its views and classes', async () => {
  const { folder, runtime } = await newSystem({ log: 'kafka://127.0.0.1:1/topic', store: 'cassandra://127.0.0.1:1' })
  expect(await runtime.views.current()).toBeUndefined()
  expect((await runtime.classes()).size).toBe(10)
  expect(readdirSync(folder)).toEqual(['landcover.json'])
})

it('a system opens its log and store together, once, and no query engine', async () => {
  const { folder, runtime } = await newSystem()
  // DuckDB does not start when it finds no folder for its temporary files.
  vi.stubEnv('TMPDIR', `${folder}/absent`)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { log, store } = await runtime.openLogAndStore()
  expect(await runtime.openLog()).toBe(log)
  expect(await runtime.openStore()).toBe(store)
  expect((await runtime.openSpeedLayer()).rules).toEqual([])
  await expect(runtime.openBatch()).rejects.toThrow('ENOENT')
  vi.unstubAllEnvs()
  expect((await runtime.openBatch()).store).toBe(store)
})
