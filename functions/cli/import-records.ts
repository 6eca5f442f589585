import { readImports, withdrawImport } from '../archive/imports.ts'
import { UsageError } from './command.ts'
import type { withRuntime } from './runtime.ts'

type Runtime = Parameters<Parameters<typeof withRuntime>[1]>[0]

/** Prints a line for each finished import, the oldest first. */
export async function printImports({ objects }: Runtime): Promise<void> {
  const records = await readImports(objects)
  if (records.length === 0) process.stdout.write('nothing was imported yet\n')
  for (const { lane, events, importedAt = 'some time ago', source = 'a source of unknown name' } of records) {
    process.stdout.write(`${lane}  ${importedAt}  ${events} events of ${source}\n`)
  }
}

/**
 * Undoes one import, and publishes a view without it.
 *
 * @param id lane of the import, or a part of its name that no other import has
 * @throws UsageError when it matches no import, or several
 */
export async function undoImport(runtime: Runtime, id: string): Promise<void> {
  const { objects, slotMs } = runtime
  await runtime.openStore()
  const found = (await readImports(objects)).filter(({ lane }) => lane.includes(id))
  const [record] = found
  if (!record || found.length > 1) {
    const count = found.length === 0 ? 'no import' : `${found.length} imports`
    throw new UsageError(`--undo: '${id}' names ${count}: take an id that --list shows`)
  }
  const removeFiles = await withdrawImport(objects, slotMs, record.lane)
  const { view } = await runtime.runBatch()
  await removeFiles()
  const counts = view ? `view ${view.revision} counts ${view.audit.images} images` : 'there is no view yet'
  process.stdout.write(`import ${record.lane} is undone (${record.events} events of ${record.source}); ${counts}\n`)
}
