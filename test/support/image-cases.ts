import { existsSync, globSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Folders of real images with values that other programs computed: `LANDCOVER_CASES` names the folder above them, and
 * `LANDCOVER_DATA` the one of their larger files. They are not part of the project.
 */
const CASES = process.env.LANDCOVER_CASES
const DATA = process.env.LANDCOVER_DATA

/** Folders of cases that have a file of this name; none where LANDCOVER_CASES is not given. */
export function casesWith(file: string): string[] {
  if (CASES === undefined) return []
  return globSync(`**/${file}`, { cwd: CASES }).map(path => join(CASES, dirname(path)))
}

/** A path of a case: below its folder, or in LANDCOVER_DATA. */
export function pathOf(folder: string, path: string): string {
  const place = path.replace(/^\$\{LANDCOVER_DATA\}/, DATA ?? join(CASES ?? '', '../../data'))
  return place.startsWith('/') ? place : join(folder, place)
}

export function has(folder: string, file: string): boolean {
  return existsSync(join(folder, file))
}
