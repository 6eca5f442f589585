import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { START } from '../../functions/core/lane.ts'
import { logFile } from '../../functions/runtime/local/state.ts'

/** Lines of all records in the log of a state folder, lane by lane, read with independent code. */
export async function recordsOfLog(state: string): Promise<string[][]> {
  const log = openSqliteEventLog({ file: logFile(state) })
  const lanes = await Promise.all((await log.lanes()).map(({ name }) => log.read(name, START, 1_000_000)))
  await log.close()
  return lanes.flat().map(({ data }) => plain(data).toString().split('\n'))
}

/** All events in the log of a state folder. Its records must be valid. */
export async function eventsOfLog(state: string): Promise<WireEvent[]> {
  return (await recordsOfLog(state))
    .flat()
    .map(line => JSON.parse(line) as WireEvent & { landcover?: unknown })
    .filter(value => value.landcover === undefined)
}

function plain(data: Uint8Array): Buffer {
  if (data[0] === 0x28 && data[1] === 0xb5) return zstdDecompressSync(data)
  return data[0] === 0x1f && data[1] === 0x8b ? gunzipSync(data) : Buffer.from(data)
}
