import { existsSync, readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import type { ClockReading } from '../../core/arrival-clock.ts'

/** Exists on Linux only. Elsewhere, a restart also looks like a leap of the clock, which takes a minute to confirm. */
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id'

/** Reads the clocks of this machine. */
export function machineClocks(): ClockReading {
  return { wallMs: Date.now(), upMs: Math.round(uptime() * 1000), boot: bootOfMachine() }
}

let knownBoot: string | undefined

function bootOfMachine(): string {
  knownBoot ??= existsSync(BOOT_ID_FILE) ? readFileSync(BOOT_ID_FILE, 'utf8').trim() : ''
  return knownBoot
}
