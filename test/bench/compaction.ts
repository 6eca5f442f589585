import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { compactArchive } from '../../functions/archive/compaction.ts'
import { archiveKey, fileName } from '../../functions/archive/layout.ts'
import { encodeArchiveFile } from '../../functions/archive/parquet.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { imageEvent, NOON_MS } from '../support/factories.ts'
import { seeded } from '../support/seeded.ts'

/**
 * Compaction of one slot with many events: prints the number of pieces, the CPU time of the whole and of the longest
 * piece, and the highest memory of the process. `EVENTS=100000000 node test/bench/compaction.ts` needs 25 GB of disk.
 */

const EVENTS = Number(process.env.EVENTS ?? 2_000_000)
const LANES = Number(process.env.LANES ?? 16)
/** A delivery of 20 records with 500 events each. */
const RECORDS_PER_FILE = 20
const EVENTS_PER_RECORD = 500

/** Writes the files of the deliveries of a slot, as the archive does. */
async function make(folder: string): Promise<void> {
  const objects = openFolderObjectStore(folder)
  const random = seeded(1).next
  const perFile = RECORDS_PER_FILE * EVENTS_PER_RECORD
  for (let file = 0; file < EVENTS / perFile; file++) {
    const lane = `bench.${file % LANES}`
    const first = Math.floor(file / LANES) * RECORDS_PER_FILE + 1
    const key = archiveKey(NOON_MS, HOUR_MS, lane, String(first), String(first + RECORDS_PER_FILE - 1))
    const events = Array.from({ length: perFile }, (_, at) => {
      const record = first + Math.floor(at / EVENTS_PER_RECORD)
      return {
        event: imageEvent({
          imageId: `${lane}-${record}-${at % EVENTS_PER_RECORD}`,
          eventMs: NOON_MS + Math.floor(random() * HOUR_MS),
          ndviMean: Math.floor(random() * 1e6),
        }),
        origin: { producer: `producer-${lane}`, counter: record },
        line: at % EVENTS_PER_RECORD,
        lane,
        position: toPosition(record),
        arrivalMs: NOON_MS + Math.floor(random() * HOUR_MS),
        late: false,
      }
    })
    await objects.put(key, encodeArchiveFile(events, fileName(key)))
  }
}

async function compact(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'landcover-bench-compaction-'))
  const files = join(folder, 'objects')
  mkdirSync(files)
  try {
    const made = spawnSync(process.execPath, [import.meta.filename, 'make', files], { stdio: 'inherit' })
    if (made.status !== 0) throw new Error(`the files could not be made: exit code ${made.status}`)
    const pieces: number[] = []
    let before = cpuSeconds()
    const began = before
    const { inputs, outputs, behindMs } = await compactArchive({
      ...{ objects: openFolderObjectStore(files), slotMs: HOUR_MS, before: NOON_MS + HOUR_MS, now: Date.now },
      // It is asked before each piece, and after the last one.
      hasTime() {
        const now = cpuSeconds()
        pieces.push(now - before)
        before = now
        return true
      },
    })
    pieces.push(cpuSeconds() - before)
    console.table({
      events: EVENTS,
      'files merged': inputs,
      'files written': outputs,
      'left over, ms': behindMs,
      'CPU seconds': Math.round(cpuSeconds() - began),
      'events per CPU second': Math.round(EVENTS / (cpuSeconds() - began)),
      'longest piece, CPU seconds': Number(Math.max(...pieces).toFixed(1)),
      'highest memory, MB': Math.round(process.resourceUsage().maxRSS / 1_024),
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const [task, given] = process.argv.slice(2)
if (task === 'make') await make(given as string)
else await compact()
