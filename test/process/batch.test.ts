import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { importEvents } from '../../functions/archive/imports.ts'
import { decodeEvent } from '../../functions/core/event.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { eventually, runBatch, runProduce, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function importSome(state: string, count: number): Promise<void> {
  const images = someEvents(count).map(event => ({ ...event, image_id: `${count}-${event.image_id}` }))
  const events = images.map(event => decodeEvent(event, Date.now()))
  await importEvents(openFolderObjectStore(join(state, 'objects')), HOUR_MS, `some-${count}`, [events], Date.now())
}

describe('npm run batch', () => {
  it('counts new events beside the running system, which shows them at once', async () => {
    const state = join(temporaryFolder(), 'state')
    const system = await startSystem(state)
    await importSome(state, 1_000)
    const { code, stdout } = await runBatch(['--state', state]).finished
    // The first run of the system may have counted them already.
    expect(stdout).toMatch(/^(view 1:|nothing new: view 1 counts) 1000 images, imports only/)
    expect(code).toBe(0)
    expect(totalCount(await system.get('/api/batch/class-stats'))).toBe(1_000)
    expect(totalCount(await system.classStats())).toBe(1_000)
  })

  it('works without the system, says when there is nothing new, and counts an import once', async () => {
    const state = join(temporaryFolder(), 'state')
    await (await startSystem(state)).interrupt()
    await importSome(state, 700)
    await importSome(state, 700)
    const first = await runBatch(['--state', state]).finished
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/^view 1: 700 images/)
    const second = await runBatch(['--state', state]).finished
    expect(second.stdout).toBe('nothing new: view 1 counts 700 images, imports only\n')
    const system = await startSystem(state)
    expect(totalCount(await system.classStats())).toBe(700)
  })

  it('continues at its interval after a failed run, and counts when the cause is gone', async () => {
    const state = join(temporaryFolder(), 'state')
    await (await startSystem(state)).interrupt()
    await importSome(state, 300)
    const objects = openFolderObjectStore(join(state, 'objects'))
    const [file = ''] = await Array.fromAsync(objects.list('archive/'))
    const whole = (await objects.get(file)) as Uint8Array
    await objects.put(file, Buffer.from('damaged'))
    const batch = runBatch(['--state', state, '--every', '1s'])
    await eventually(
      async () => batch.stderr(),
      text => text.split('\n').length > 2,
    )
    expect(batch.stdout()).toBe('')
    await objects.put(file, whole)
    await eventually(
      async () => batch.stdout(),
      text => text.startsWith('view 1: 300 images'),
    )
    batch.child.kill('SIGINT')
    expect((await batch.finished).code).toBe(0)
  })

  it('can run several times at once, and everything is counted once', async () => {
    const state = join(temporaryFolder(), 'state')
    await (await startSystem(state)).interrupt()
    await importSome(state, 300)
    const runs = await Promise.all(Array.from({ length: 3 }, () => runBatch(['--state', state]).finished))
    for (const { code, stdout } of runs) {
      expect(code).toBe(0)
      expect(stdout).toContain('300 images')
    }
    expect(runs.filter(({ stdout }) => stdout.startsWith('view 1:'))).toHaveLength(1)
  })

  it('continues where the system ended, with events in complete slots', async () => {
    const state = join(temporaryFolder(), 'state')
    const file = writeEvents(join(temporaryFolder(), 'events.csv'), someEvents(200))
    const system = await startSystem(state, ['--slot', '1s'])
    await runProduce(['--data', file, '--state', state, '--limit', '0', '--delay', '0']).finished
    await eventually(system.health, ({ batch }) => batch.images === 200)
    await system.interrupt()
    const { code, stdout } = await runBatch(['--state', state]).finished
    expect(stdout).toMatch(/200 images, all that arrived before \d{4}-\d\d-\d\dT/)
    expect(code).toBe(0)
  })

  it('needs an existing state', async () => {
    const state = join(temporaryFolder(), 'nothing')
    const { code, stderr } = await runBatch(['--state', state]).finished
    expect(stderr).toBe(`there is no landcover state in ${state}: npm start makes one\n`)
    expect(code).toBe(1)
  })

  it('says that nothing is complete yet, if so', async () => {
    const state = join(temporaryFolder(), 'state')
    await (await startSystem(state)).interrupt()
    const { code, stdout } = await runBatch(['--state', state]).finished
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'nothing to count yet: no arrival slot is complete\n' })
  })
})
