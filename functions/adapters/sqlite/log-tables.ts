import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { formatOf, transaction } from './database.ts'

/**
 * Format of the log's file. It increases whenever the tables change:
 *
 * 1. the first format, which the file does not state
 * 2. adds the table last_arrival
 */
export const LOG_FORMAT = 2

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS stream (identity TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS shard (name TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS record (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    shard TEXT NOT NULL,
    arrival_ms INTEGER NOT NULL,
    data BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS record_by_shard ON record (shard, sequence, arrival_ms);
  CREATE TABLE IF NOT EXISTS last_arrival (
    arrival_ms INTEGER NOT NULL,
    up_ms INTEGER NOT NULL,
    boot TEXT NOT NULL
  );
`

/** Prepares the statements of the log, and reads its identity and its shards. */
export function logStatements(database: DatabaseSync) {
  const { identity } = database.prepare('SELECT identity FROM stream').get() as { identity: string }
  const shards = database.prepare('SELECT name FROM shard ORDER BY name').all() as { name: string }[]
  return {
    database,
    identity,
    shardNames: shards.map(({ name }) => name),
    selectBehind: database.prepare(
      'SELECT sequence, arrival_ms, data FROM record WHERE shard = ? AND sequence > ? ORDER BY sequence LIMIT ?',
    ),
    // One counter for all lanes. Trimming does not change it.
    selectEnd: database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'record'"),
  }
}

/**
 * Creates a new log, or migrates an older one. Processes that open it at the same time find the same log.
 *
 * @throws Error when a newer version of landcover wrote the log's format
 */
export function defineLog(database: DatabaseSync, file: string, shards: number): void {
  const form = { name: 'the log', file, format: LOG_FORMAT }
  if (formatOf(database, form) === LOG_FORMAT) return
  transaction(database, () => {
    // Another process may have done it in the meantime.
    if (formatOf(database, form) === LOG_FORMAT) return
    database.exec(SCHEMA)
    database.exec(
      "INSERT INTO last_arrival SELECT max(arrival_ms), 0, '' FROM record WHERE NOT EXISTS (SELECT 1 FROM last_arrival) HAVING count(*) > 0",
    )
    if (database.prepare('SELECT 1 FROM stream').get() === undefined) createShards(database, shards)
    database.exec(`PRAGMA user_version = ${LOG_FORMAT}`)
  })
}

function createShards(database: DatabaseSync, shards: number): void {
  database.prepare('INSERT INTO stream VALUES (?)').run(`embedded-${randomBytes(4).toString('hex')}`)
  const insert = database.prepare('INSERT INTO shard VALUES (?)')
  for (let shard = 0; shard < shards; shard++) insert.run(`shardId-${String(shard).padStart(12, '0')}`)
}
