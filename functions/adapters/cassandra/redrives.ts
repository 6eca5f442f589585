import type { RedriveState, SpeedStore } from '../../ports/speed-store.ts'
import { inParallel } from '../in-parallel.ts'
import { claimToCells, toRedriveState } from '../row-encoding/speed-rows.ts'
import { redrivesTable } from '../row-encoding/tables.ts'
import type { CqlClient } from './client.ts'
import { createRowCql } from './cql.ts'

const IN_FLIGHT = 8

/** Claims of redrives in Cassandra. */
export function cassandraRedrives(
  client: CqlClient,
  keyspace: string,
): Pick<SpeedStore, 'claimRedrive' | 'markRedriven' | 'readRedrives'> {
  const sql = {
    mark: `UPDATE ${keyspace}.quarantine_redrives SET appended_ms = ? WHERE producer = ? IF EXISTS`,
    read: `SELECT * FROM ${keyspace}.quarantine_redrives WHERE producer = ?`,
  }
  return {
    claimRedrive: claim => client.writeIf(createRowCql(keyspace, redrivesTable, claimToCells(claim))),
    markRedriven: (producer, appendedMs) => client.writeIf([sql.mark, [appendedMs, producer]]),
    async readRedrives(producers) {
      const found = await inParallel(producers, IN_FLIGHT, async producer => {
        const states: RedriveState[] = []
        for await (const row of client.rows([sql.read, [producer]])) states.push(toRedriveState(row))
        return states
      })
      return found.flat()
    },
  }
}
