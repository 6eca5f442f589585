import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../functions/cli/command.ts'
import { watchFolder } from '../../functions/cli/watch-folder.ts'
import { ImageError } from '../../functions/images/errors.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const EVERY_MS = 1
const AGAIN_MS = 2

/** Puts a scene into a folder: an item, and the band that it names. */
function putScene(folder: string, name: string, band = 'a band'): string {
  mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, name, 'red.tif'), band)
  const item = join(folder, name, 'item.json')
  writeFileSync(item, JSON.stringify({ assets: { red: { href: 'https://images.example.org/red.tif' } } }))
  return item
}

/**
 * Watches a folder for some looks.
 *
 * @param afterLook what happens after each look, by its number from 1
 */
async function watchFor(
  looks: number,
  folder: string,
  observe: (item: string) => Promise<{ text: string; isFinal: boolean }>,
  afterLook: (look: number) => void = () => {},
) {
  const stopping = new AbortController()
  const told: string[] = []
  const waited: number[] = []
  const tell = (text: string) => void told.push(text.replaceAll(`${folder}/`, ''))
  await watchFolder({
    ...{ folder, everyMs: EVERY_MS, againAfterMs: AGAIN_MS, signal: stopping.signal, tell, tellFailure: tell },
    observe: item => observe(item),
    async wait(ms) {
      waited.push(ms)
      afterLook(waited.length)
      if (waited.length === looks) stopping.abort()
    },
  })
  return { told, waited }
}

describe('a watched folder', () => {
  const done = (items: string[]) => async (item: string) => {
    items.push(item)
    return { text: '3 published', isFinal: true }
  }

  it('has each scene observed once, also by a process that starts later', async () => {
    const folder = temporaryFolder()
    const items: string[] = []
    const first = putScene(folder, 'a')
    let second = ''
    const { told } = await watchFor(6, folder, done(items), look => {
      if (look === 3) second = putScene(folder, 'b')
    })
    expect(items).toEqual([first, second])
    expect(told).toEqual(['a/item.json: 3 published', 'b/item.json: 3 published'])
    expect(readFileSync(`${first}.observed`, 'utf8')).toMatch(/^[0-9a-f]{64}\n3 published\n$/)
    await watchFor(4, folder, done(items))
    expect(items).toHaveLength(2)
  })

  it('leaves a scene alone while its files are still being written', async () => {
    const folder = temporaryFolder()
    const bands: string[] = []
    const item = putScene(folder, 'a', 'a')
    const observe = async () => {
      bands.push(readFileSync(join(folder, 'a/red.tif'), 'utf8'))
      return { text: '', isFinal: true }
    }
    await watchFor(8, folder, observe, look => {
      if (look < 5) putScene(folder, 'a', 'a'.repeat(look + 1))
    })
    expect(bands).toEqual(['aaaaa'])
    expect(existsSync(`${item}.observed`)).toBe(true)
  })

  it('names a bad scene and puts it aside; it is tried again when one of its files changes, or without the mark', async () => {
    const folder = temporaryFolder()
    const item = putScene(folder, 'bad')
    const good = putScene(folder, 'good')
    let tries = 0
    const observe = async (tried: string) => {
      if (tried === good) return { text: 'fine', isFinal: true }
      tries++
      throw new ImageError('red.tif: is cut off')
    }
    const { told, waited } = await watchFor(5, folder, observe)
    expect(tries).toBe(1)
    expect(waited).toEqual(new Array(5).fill(EVERY_MS))
    expect(told).toEqual([
      'bad/item.json is refused: red.tif: is cut off. It is tried again when one of its files changes, or without item.json.refused',
      'good/item.json: fine',
    ])
    expect(readFileSync(`${item}.refused`, 'utf8')).toContain('red.tif: is cut off')
    putScene(folder, 'bad', 'another band')
    await watchFor(4, folder, observe)
    expect(tries).toBe(2)
    rmSync(`${item}.refused`)
    await watchFor(4, folder, observe)
    expect(tries).toBe(3)
  })

  it('tries a scene again later when the system did not answer, and says so', async () => {
    const folder = temporaryFolder()
    const item = putScene(folder, 'a')
    const outcomes = [
      async () => {
        throw new Error('the log does not answer')
      },
      async () => ({ text: '3 not acknowledged', isFinal: false }),
      async () => ({ text: '3 published', isFinal: true }),
    ]
    const { told, waited } = await watchFor(5, folder, () => (outcomes.shift() as (typeof outcomes)[number])())
    expect(told).toEqual([
      'a/item.json is tried again: the log does not answer',
      'a/item.json: 3 not acknowledged',
      'a/item.json: 3 published',
    ])
    expect(waited).toEqual([EVERY_MS, AGAIN_MS, AGAIN_MS, EVERY_MS, EVERY_MS])
    expect(existsSync(`${item}.observed`)).toBe(true)
  })

  it('takes items that are not JSON, or name nothing, as scenes that are refused', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'text.json'), 'no item')
    writeFileSync(join(folder, 'null.json'), 'null')
    writeFileSync(join(folder, 'notes.txt'), 'no item')
    const items: string[] = []
    await watchFor(3, folder, done(items))
    expect(items).toEqual([join(folder, 'null.json'), join(folder, 'text.json')])
  })

  it('ends when no scene can be observed at all, or when there is no folder', async () => {
    const folder = temporaryFolder()
    putScene(folder, 'a')
    const wrong = async () => {
      throw new UsageError('--legend names the map')
    }
    await expect(watchFor(3, folder, wrong)).rejects.toThrow('--legend names the map')
    await expect(watchFor(3, join(folder, 'none'), wrong)).rejects.toThrow(/none: cannot be read \(ENOENT\)/)
  })
})
