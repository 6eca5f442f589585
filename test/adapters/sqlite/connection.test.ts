import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openConnection } from '../../../functions/adapters/sqlite/connection.ts'
import { openDatabase, UnwritableError } from '../../../functions/adapters/sqlite/database.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const SECOND_MS = 1_000

/** File of numbers. A folder in the place of its write-ahead log keeps SQLite from opening it for writing. */
function numbersFile() {
  const file = join(temporaryFolder(), 'numbers.sqlite')
  const options = {
    file,
    durability: 'process-crash' as const,
    define: (opened: ReturnType<typeof openDatabase>) => opened.exec('CREATE TABLE IF NOT EXISTS numbers (n INTEGER)'),
  }
  const insert = (n: number) => {
    const database = openDatabase(options)
    database.exec(`INSERT INTO numbers VALUES (${n})`)
    database.close()
  }
  let nowMs = 0
  return {
    file,
    insert,
    block: () => mkdirSync(`${file}-wal`),
    unblock: () => rmdirSync(`${file}-wal`),
    pass: (ms: number) => {
      nowMs += ms
    },
    open() {
      const connection = openConnection(
        options,
        database => ({
          all: database.prepare('SELECT n FROM numbers ORDER BY n'),
          add: database.prepare('INSERT INTO numbers VALUES (?)'),
        }),
        () => nowMs,
      )
      onTestFinished(() => connection.close())
      return {
        read: async () => (await connection.run(sql => sql.all.all())).map(({ n }) => n),
        write: (n: number) => connection.run(sql => sql.add.run(n)),
      }
    },
  }
}

it('a file that cannot be opened for writing can be read, and writes say why they fail', async () => {
  const numbers = numbersFile()
  numbers.insert(1)
  numbers.block()
  const { read, write } = numbers.open()
  expect(await read()).toEqual([1])
  const error = await write(2).catch(error => error)
  expect(error).toBeInstanceOf(UnwritableError)
  expect(error.message).toMatch(/numbers\.sqlite (cannot be opened: check|had a disk error: check) whether /)
  expect(await read()).toEqual([1])
})

it('a file that can be written again is opened again after a second, with what others wrote in the meantime', async () => {
  const numbers = numbersFile()
  numbers.insert(1)
  numbers.block()
  const { read, write } = numbers.open()
  numbers.pass(SECOND_MS)
  await expect(write(3)).rejects.toThrow(UnwritableError)
  numbers.unblock()
  numbers.insert(2)
  numbers.pass(SECOND_MS - 1)
  await expect(write(3)).rejects.toThrow(UnwritableError)
  numbers.pass(1)
  expect(await read()).toEqual([1, 2])
  await write(3)
  expect(await read()).toEqual([1, 2, 3])
})

it('a missing file that cannot be created is an error that names it', () => {
  const numbers = numbersFile()
  numbers.block()
  expect(numbers.open).toThrow(/numbers\.sqlite (cannot be opened|had a disk error)/)
})
