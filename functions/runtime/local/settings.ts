import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { readSqliteStoreSettings } from '../../adapters/sqlite/speed-store.ts'
import { checkedLateness, DEFAULT_LATENESS, type Lateness } from '../../core/lateness.ts'
import { SECOND_MS } from '../../core/time.ts'

/**
 * Format number of a state folder's settings. The other files of the folder have format numbers of their own.
 *
 * 1. the first format
 * 2. systemId
 * 3. lateness
 */
export const SETTINGS_FORMAT = 3

export const SETTINGS_FILE = 'landcover.json'

/** Settings of a state folder. They stay the same as long as it exists, but for the allowed lateness. */
const Settings = z
  .object({
    format: z.int().min(1).max(SETTINGS_FORMAT),
    /** Random id, created once, by which a speed store recognises its system. Absent in format 1. */
    systemId: z.string().min(1).optional(),
    /** Length of the arrival slots, ms. The totals in the folder are divided by it. */
    slotMs: z.int().positive(),
    /** True when the folder contains demo data and receives more of it. */
    demo: z.boolean(),
    /** Time when the folder was created, ms. */
    createdMs: z.int(),
    /** Allowed lateness by arrival time. Absent in formats 1 and 2, where it is the default. */
    lateness: z
      .array(z.object({ since: z.int(), ms: z.int() }))
      .readonly()
      .superRefine((entries, context) => {
        try {
          checkedLateness(entries)
        } catch (error) {
          context.addIssue((error as Error).message)
        }
      })
      .optional(),
    /** Addresses of the event log and the speed store, if they are not files of the folder. */
    log: z.string().optional(),
    store: z.string().optional(),
  })
  .refine(({ format, systemId }) => format < 2 || systemId !== undefined, { path: ['systemId'], message: 'is missing' })
export type Settings = z.infer<typeof Settings>

/** Returns the allowed lateness of a system. */
export function latenessOf({ lateness = DEFAULT_LATENESS }: Pick<Settings, 'lateness'>): Lateness {
  return lateness
}

/**
 * Reads the settings of a folder that has the file.
 *
 * @throws Error that says what it must contain when it cannot be read
 */
export function readSettings(folder: string): Settings {
  const file = join(folder, SETTINGS_FILE)
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw new Error(`cannot read ${file} (${(error as Error).message})`)
    throw damaged(folder, 'it is not JSON')
  }
  const format = (value as { format?: unknown } | null)?.format
  if (Number.isInteger(format) && (format as number) > SETTINGS_FORMAT) {
    throw new Error(
      `${file} has format ${format}, this landcover reads 1 to ${SETTINGS_FORMAT}: run the landcover that wrote it, or choose another folder with --state`,
    )
  }
  const { data, error } = Settings.safeParse(value)
  if (data) return data
  if (typeof value === 'object' && value !== null && format === undefined && 'slotMs' in value) {
    throw new Error(
      `${file} has no format: a landcover from before format 1 wrote it, whose files this one cannot read. Run that one, or choose another folder with --state`,
    )
  }
  const [issue] = error.issues
  throw damaged(folder, `${issue?.path.join('.') || 'it'}: ${issue?.message}`)
}

/**
 * Makes an error with the text of the settings to write again. Only they are damaged; the rest of the folder may be
 * intact.
 */
function damaged(folder: string, reason: string): Error {
  const store = storeSettingsOf(folder)
  const known = store
    ? `its slots of ${store.slotMs / SECOND_MS} s are those of store.sqlite`
    : 'its speed store has the id and the length in store_settings.system_id and slot_ms'
  const settings = {
    ...(store?.systemId === null ? { format: 1 } : { format: SETTINGS_FORMAT, systemId: store?.systemId ?? 'ID' }),
    slotMs: store?.slotMs ?? 'LENGTH OF ARRIVAL SLOTS, MS',
    demo: false,
    createdMs: 0,
  }
  return new Error(
    `${join(folder, SETTINGS_FILE)} is damaged (${reason}). The other files of the folder may be intact. Write this into it and start again (${known}; add "log" and "store" with their addresses where they were servers, and "lateness" where it was not 5m):\n${JSON.stringify(settings)}`,
  )
}

function storeSettingsOf(folder: string) {
  const file = join(folder, 'store.sqlite')
  return existsSync(file) ? readSqliteStoreSettings(file) : undefined
}
