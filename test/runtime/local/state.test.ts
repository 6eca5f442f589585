import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { readEnvironment } from '../../../functions/runtime/config/environment.ts'
import { endpointsOf } from '../../../functions/runtime/local/endpoints.ts'
import { type LocalRuntime, openLocalRuntime } from '../../../functions/runtime/local/runtime.ts'
import type { Settings } from '../../../functions/runtime/local/settings.ts'
import { identifyState, lockState, openState, readState, removeState } from '../../../functions/runtime/local/state.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const FOR_NEW = { slotMs: 60_000, demo: false, createdMs: 1 }
const NO_SERVERS = { log: undefined, store: undefined }

/** The system of a folder, with its log and store open. */
async function openSystem(folder: string, settings: Settings): Promise<LocalRuntime> {
  const servers = endpointsOf(folder, settings, NO_SERVERS)
  const runtime = await openLocalRuntime(folder, settings, servers, readEnvironment({}), () => {})
  await runtime.openLogAndStore()
  return runtime
}

/** A folder with a system's files. */
async function usedState(): Promise<{ folder: string; settings: Settings }> {
  const folder = temporaryFolder()
  const settings = await openState(folder, FOR_NEW)
  const runtime = await openSystem(folder, settings)
  await runtime.addClasses(['Vineyard'])
  await runtime.close()
  return { folder, settings }
}

describe('a state folder', () => {
  it('keeps its settings and its id', async () => {
    const folder = temporaryFolder()
    const made = await openState(folder, FOR_NEW)
    expect(made).toEqual({
      ...{ format: 3, systemId: expect.stringMatching(/^[0-9a-f-]{36}$/), ...FOR_NEW },
      lateness: [{ since: 0, ms: 300_000 }],
    })
    expect(await openState(folder, { ...FOR_NEW, slotMs: 1 })).toEqual(made)
    expect(await identifyState(folder, made)).toEqual(made)
    expect((await openState(temporaryFolder(), FOR_NEW)).systemId).not.toBe(made.systemId)
    expect(readdirSync(folder)).toEqual(['landcover.json'])
  })

  it('of format 1 gets an id, once, and its store gets the same', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'landcover.json'), JSON.stringify({ format: 1, ...FOR_NEW }))
    const old = readState(folder)
    expect(old.systemId).toBeUndefined()
    await (await openSystem(folder, old)).close()
    const identified = await identifyState(folder, old)
    expect(readState(folder)).toEqual({ format: 3, systemId: identified.systemId, ...FOR_NEW })
    await (await openSystem(folder, identified)).close()
    // For all other states its store belongs to another system, also for a state without an id.
    for (const systemId of ['another', undefined]) {
      await expect(openSystem(folder, { ...identified, systemId })).rejects.toThrow(
        `store.sqlite holds the rows of system ${identified.systemId}; this`,
      )
    }
    await (await openSystem(folder, identified)).close()
  })

  it('does not accept a store without an owner that has read another log', async () => {
    const { folder, settings } = await usedState()
    const database = new DatabaseSync(join(folder, 'store.sqlite'))
    database.exec('UPDATE store_settings SET system_id = NULL, format = 1')
    database.exec(
      "INSERT INTO lane_cursor (lane, last_sequence, producers, quarantined) VALUES ('other-log.0', '', '[]', 0)",
    )
    await expect(openSystem(folder, settings)).rejects.toThrow(
      'a system that has read other-log.0, not the log embedded-',
    )
    const { log } = JSON.parse(JSON.stringify({ log: await identityOf(folder) }))
    database.prepare("UPDATE lane_cursor SET lane = ? || '.0'").run(log)
    database.close()
    await (await openSystem(folder, settings)).close()
  })
})

async function identityOf(folder: string): Promise<string> {
  const database = new DatabaseSync(join(folder, 'log.sqlite'))
  const { identity } = database.prepare('SELECT identity FROM stream').get() as { identity: string }
  database.close()
  return identity
}

describe('settings that cannot be used', () => {
  it.each([
    ['', 'it is not JSON'],
    ['{"format":2,"systemId":"a","slotMs":60000', 'it is not JSON'],
    ['null', 'it: '],
    ['{"format":2,"slotMs":60000,"demo":false,"createdMs":1}', 'systemId: '],
    ['{"format":1,"slotMs":0,"demo":false,"createdMs":1}', 'slotMs: '],
    ['{"format":0,"slotMs":60000,"demo":false,"createdMs":1}', 'format: '],
  ])('are reported with settings to write instead, and these work: %s', async (text, reason) => {
    const { folder, settings } = await usedState()
    writeFileSync(join(folder, 'landcover.json'), text)
    const error = (await openState(folder, FOR_NEW).catch(caught => caught)) as Error
    expect(error.message).toContain(`landcover.json is damaged (${reason}`)
    expect(error.message).not.toContain('--fresh')
    writeFileSync(join(folder, 'landcover.json'), error.message.slice(error.message.indexOf('\n') + 1))
    expect(readState(folder)).toMatchObject({ systemId: settings.systemId, slotMs: settings.slotMs })
    await (await openSystem(folder, readState(folder))).close()
  })

  it('say where id and slot length can be found when the folder has no store', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'landcover.json'), '')
    expect(() => readState(folder)).toThrow('its speed store has the id and the length in store_settings')
  })

  it.each([
    ['{"format":4,"slotMs":60000}', 'has format 4, this landcover reads 1 to 3'],
    ['{"slotMs":60000,"demo":false,"createdMs":1}', 'has no format: a landcover from before format 1 wrote it'],
  ])('of another version are reported, without the advice to delete: %s', async (text, told) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'landcover.json'), text)
    const error = (await openState(folder, FOR_NEW).catch(caught => caught)) as Error
    expect(error.message).toContain(told)
    expect(error.message).not.toContain('--fresh')
  })

  it('on a full disk are reported as such, and nothing is half written', async () => {
    const folder = temporaryFolder()
    const written = `landcover.json.${process.pid}`
    symlinkSync('/dev/full', join(folder, written))
    await expect(openState(folder, FOR_NEW)).rejects.toThrow(/cannot write .*landcover\.json \(ENOSPC/)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('the lock of a state folder', () => {
  it('belongs to one system at a time', () => {
    const folder = temporaryFolder()
    const lock = lockState(folder)
    expect(() => lockState(folder)).toThrow(`a landcover is already running on ${folder}`)
    lock.release()
    lockState(folder).release()
  })

  it('that cannot be taken for another reason than a running system says which', () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'lock.sqlite'))
    expect(() => lockState(folder)).toThrow(/^cannot write .*lock\.sqlite \(unable to open database file\): make room/)
    const other = temporaryFolder()
    writeFileSync(join(other, 'lock.sqlite'), 'no database '.repeat(100))
    expect(() => lockState(other)).toThrow(/^cannot write .*lock\.sqlite \(file is not a database\)/)
  })
})

describe('removing a state', () => {
  it('removes everything that a system keeps in its folder, and nothing that was there before', async () => {
    const { folder } = await usedState()
    writeFileSync(join(folder, 'thesis.txt'), 'mine')
    expect(existsSync(join(folder, 'objects'))).toBe(true)
    removeState(folder)
    expect(readdirSync(folder)).toEqual(['thesis.txt'])
  })

  it('removes the alerts, metrics and every file of the databases, and no file with a similar name', async () => {
    const { folder } = await usedState()
    const own = ['alerts.ndjson', 'alerts.ndjson.old', 'metrics.ndjson', 'metrics.ndjson.old', 'landcover.json.123']
    for (const database of ['log', 'store', 'checkpoints']) {
      own.push(...['', '-wal', '-shm'].map(end => `${database}.sqlite${end}`))
    }
    const others = [
      'alerts.ndjson.new',
      'my-alerts.ndjson',
      'alerts.csv',
      'log.sqlite.bak',
      'landcover.json.bak',
      'objects.zip',
    ]
    for (const name of [...own, ...others]) writeFileSync(join(folder, name), 'x')
    removeState(folder)
    expect(readdirSync(folder).sort()).toEqual(others.sort())
  })

  it('does not touch a state that a system uses', async () => {
    const { folder } = await usedState()
    const before = readdirSync(folder)
    const lock = lockState(folder)
    expect(() => removeState(folder)).toThrow('already running')
    lock.release()
    expect(readdirSync(folder).filter(name => before.includes(name))).toEqual(before)
  })

  it('that was interrupted leaves no state for commands that only read; commands that create a state finish it', async () => {
    const { folder, settings } = await usedState()
    renameSync(join(folder, 'landcover.json'), join(folder, 'landcover.removing'))
    expect(() => readState(folder)).toThrow(
      'was being removed (--fresh), and parts are missing: npm start finishes the removal',
    )
    const made = await openState(folder, FOR_NEW)
    expect(made.systemId).not.toBe(settings.systemId)
    expect(readdirSync(folder)).toEqual(['landcover.json'])
  })
})
