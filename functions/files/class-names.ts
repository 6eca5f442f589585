/** Finds known classes for the class names of a file. */
export interface ClassNames {
  /** Known class that a name means; the name itself if there is none. */
  known(name: string): string
  /** Says why a name is not known: which class it is near, and what to do. */
  refusal(name: string): string
}

/** @param names known classes; undefined where they are not known here
 * @param mapped the file's names → known ones
 */
export function classNames(
  names: Iterable<string> | undefined,
  mapped: Readonly<Record<string, string>> = {},
): ClassNames {
  const all = [...(names ?? [])]
  const listed = new Set(all)
  const composed = new Map(all.map(name => [name.normalize('NFC'), name]))
  const loose = new Map(all.map(name => [looseKey(name), name]))
  return {
    known(name) {
      if (listed.has(name)) return name
      const renamed = Object.hasOwn(mapped, name) ? (mapped[name] as string) : name
      return composed.get(renamed.normalize('NFC')) ?? renamed
    },
    refusal(name) {
      const near = loose.get(looseKey(name))
      const quotedName = JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name)
      const add = 'npm start -- --classes FILE.csv adds some'
      if (near === undefined) {
        return `${quotedName} is not one of the known classes: ${add}, --class ${shell(`${name}=NAME`)} renames it`
      }
      return `${quotedName} is not one of the known classes, ${JSON.stringify(near)} is, which differs in case, spaces or accents: --class ${shell(`${name}=${near}`)} takes it as that`
    },
  }
}

function shell(text: string): string {
  return `'${text.slice(0, 80).replaceAll("'", "'\\''")}'`
}

/** Returns a name without case, accents, spaces and punctuation. */
function looseKey(name: string): string {
  return name
    .normalize('NFD')
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase()
}
