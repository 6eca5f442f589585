import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { counted, emptyState } from '../support/imported.ts'
import { run } from '../support/landcover.ts'
import { byClass, recount } from '../support/recount.ts'

const importWith = (state: string, ...args: string[]) =>
  run('functions/cli/import.ts', ['--state', state, ...args]).finished

describe('npm run import recognises images', () => {
  it('says how many it knows, lets newer values win, lists imports, and undoes one', async () => {
    const { folder, state } = await emptyState()
    const events = someEvents(30)
    const june = writeEvents(join(folder, 'june.csv'), events.slice(0, 20))
    const july = writeEvents(join(folder, 'july.csv'), events)
    const corrected = events.slice(0, 10).map(event => ({ ...event, ndvi_mean: event.ndvi_mean / 2 }))
    const better = writeEvents(join(folder, 'better.csv'), corrected)
    expect((await importWith(state, '--list')).stdout).toBe('nothing was imported yet\n')
    expect((await importWith(state, '--data', june)).stdout).toMatch(/; view 1 counts 20 images\n$/)
    expect((await importWith(state, '--data', july)).stdout).toMatch(
      /^import: 30 events .*; 20 already known; view 2 counts 30 images\n$/,
    )
    expect((await importWith(state, '--data', better, '--replace')).stdout).toMatch(
      /; 10 replaced; view 3 counts 30 images\n$/,
    )
    expect(await counted(state)).toEqual(recount([...corrected, ...events.slice(10)], byClass))

    const lines = (await importWith(state, '--list')).stdout.trimEnd().split('\n')
    expect(lines.map(line => line.replace(/^import-\S+ +\S+ +/, ''))).toEqual([
      '20 events of june.csv',
      '30 events of july.csv',
      '10 events of better.csv',
    ])
    const [id] = (lines[2] as string).split(' ')
    expect((await importWith(state, '--undo', id as string)).stdout).toMatch(
      / is undone .*; view 4 counts 30 images\n$/,
    )
    expect(await counted(state)).toEqual(recount(events, byClass))
    for (const wrong of ['nothing', 'import-']) {
      const { code, stderr } = await importWith(state, '--undo', wrong)
      expect(stderr).toMatch(/^--undo: '.*' names (no import|2 imports): take an id that --list shows\n/)
      expect(code).toBe(2)
    }
  })
})
