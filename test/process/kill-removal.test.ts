import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openState } from '../../functions/runtime/local/state.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const FOR_NEW = { slotMs: 60_000, demo: false, createdMs: 1 }

it('a removal that is killed at any moment leaves the whole state, or a state whose removal is finished later', async () => {
  const left: number[] = []
  // A removal can end before it is killed: some more are tried until one was killed in the middle.
  for (let round = 0; round < 4 || (round < 40 && !left.some(count => count > 0)); round++) {
    const folder = temporaryFolder()
    const settings = await openState(folder, FOR_NEW)
    const objects = join(folder, 'objects')
    mkdirSync(objects)
    for (let index = 0; index < 600; index++) writeFileSync(join(objects, `${index}`), '')
    for (const name of ['store.sqlite', 'log.sqlite', 'alerts.ndjson']) writeFileSync(join(folder, name), '')
    await removeAndKill(folder, 180 * (round % 4))
    left.push(countFiles(objects))
    if (existsSync(join(folder, 'landcover.json'))) {
      expect(JSON.parse(readFileSync(join(folder, 'landcover.json'), 'utf8'))).toEqual(settings)
      expect(readdirSync(objects)).toHaveLength(600)
      continue
    }
    // The lock goes last: a removal that is killed after its mark is gone may leave the lock, and nothing else.
    const locks = existsSync(join(folder, 'landcover.removing')) ? [] : readdirSync(folder)
    expect(locks.filter(name => !name.startsWith('lock.sqlite'))).toEqual([])
    const next = await openState(folder, FOR_NEW)
    expect(next.systemId).not.toBe(settings.systemId)
    expect(readdirSync(folder)).toEqual(['landcover.json', ...locks])
  }
  expect(left.some(count => count > 0)).toBe(true)
})

/** Removes a state in another process, which is killed after a given number of objects is removed. */
async function removeAndKill(folder: string, gone: number): Promise<void> {
  const script = `import { removeState } from ${JSON.stringify(new URL('../../functions/runtime/local/state.ts', import.meta.url))}
    removeState(${JSON.stringify(folder)})`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: 'ignore' })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  const isMarked = () => !existsSync(join(folder, 'landcover.json'))
  while (child.exitCode === null && !(isMarked() && countFiles(join(folder, 'objects')) <= 600 - gone)) {
    await sleep(1)
  }
  child.kill('SIGKILL')
  await ended
}

/** Counts the files of a folder that can be removed at any moment: none if it is gone. */
function countFiles(folder: string): number {
  try {
    return readdirSync(folder).length
  } catch {
    return 0
  }
}
