import type { RedriveState, SpeedStore } from '../../ports/speed-store.ts'
import { inParallel } from '../in-parallel.ts'
import { toRedriveState } from '../row-encoding/speed-rows.ts'
import type { CqlClient } from './client.ts'
import { WHOLE_RECORD } from './tables.ts'

const IN_FLIGHT = 8

/** Claims of redrives in Cassandra. */
export function cassandraRedrives(
  client: CqlClient,
  keyspace: string,
): Pick<SpeedStore, 'claimRedrive' | 'markRedriven' | 'readRedrives'> {
  const sql = {
    claim: `INSERT INTO ${keyspace}.quarantine_redrives
      (producer, entry_lane, entry_sequence, entry_line, claimed_ms, log_identity, lane)
      VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS`,
    mark: `UPDATE ${keyspace}.quarantine_redrives SET appended_ms = ? WHERE producer = ? IF EXISTS`,
    read: `SELECT * FROM ${keyspace}.quarantine_redrives WHERE producer = ?`,
  }
  return {
    claimRedrive({ producer, entry, claimedMs, log, lane }) {
      const place = [entry.lane, entry.position, entry.index ?? WHOLE_RECORD]
      return client.writeIf([sql.claim, [producer, ...place, claimedMs, log, lane]])
    },
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
