import type { ViewReader } from '../batch/view-reader.ts'
import type { ClassList } from '../core/classes.ts'
import { unknownName } from './near-names.ts'

/** Sources of the known classes. */
export interface ClassSource {
  views: ViewReader
  classes(): Promise<ClassList>
}

/**
 * Checks that a class is known, or that the batch view has images of it.
 *
 * @param asked name of a class; undefined when the request names none
 * @throws BadParameterError with status 404 and near names
 */
export async function refuseUnknownClass({ views, classes }: ClassSource, asked: string | undefined): Promise<void> {
  if (asked === undefined) return
  const known = await classes()
  if (known.has(asked)) return
  const counted = await views.read(async view => (view ? views.classes(view) : new Map<string, unknown>()))
  if (counted.has(asked)) return
  throw unknownName(asked, new Set([...known.keys(), ...counted.keys()]), {
    ...{ parameter: 'class', wrong: 'is not known', noun: 'name' },
    all: 'GET /api/classes has all names',
  })
}
