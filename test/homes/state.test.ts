import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { importDemoHistory } from '../../functions/homes/demo.ts'
import { readEnvironment } from '../../functions/homes/environment.ts'
import { openLocalHome } from '../../functions/homes/local.ts'
import { serversOf } from '../../functions/homes/servers.ts'
import { openState, removeState } from '../../functions/homes/state.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

it('removes all that a system keeps in its folder, and nothing that lay there before', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'thesis.txt'), 'mine')
  const settings = await openState(folder, { slotMs: 60_000, demo: true, createdMs: Date.now() })
  const servers = serversOf(folder, settings, { log: undefined, store: undefined })
  const home = await openLocalHome(folder, settings, servers, readEnvironment({}), () => {})
  await importDemoHistory(home, settings)
  await home.close()
  expect(existsSync(join(folder, 'objects'))).toBe(true)
  removeState(folder)
  expect(readdirSync(folder)).toEqual(['thesis.txt'])
})
