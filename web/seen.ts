const STORED = 'landcover.seen'
/** Max number of stored keys, more than a page ever shows. The oldest marks are dropped first. */
const MAX_KEYS = 5_000

/** Marks of the unusual images that the reader has seen. */
export type Seen = {
  /** Keys of unusual images (`unusualImageKey`). */
  keys: ReadonlySet<string>
  mark(keys: Iterable<string>, seen: boolean): void
  /** Reads the marks that another tab has stored. */
  refresh(): void
}

/**
 * Opens the marks of seen unusual images. They are kept in this browser, as long as it keeps the page's storage.
 *
 * @param storage throws when the browser does not let pages store data
 */
export function openSeen(storage: () => Pick<Storage, 'getItem' | 'setItem'>): Seen {
  const keys = new Set<string>()
  function refresh() {
    const all = stored(storage)
    if (!all) return
    keys.clear()
    for (const key of all) keys.add(key)
  }
  refresh()
  return {
    keys,
    refresh,
    mark(marked, seen) {
      refresh()
      for (const key of marked) {
        keys.delete(key)
        if (seen) keys.add(key)
      }
      for (const key of keys) {
        if (keys.size <= MAX_KEYS) break
        keys.delete(key)
      }
      try {
        storage().setItem(STORED, JSON.stringify([...keys]))
      } catch {
        // Without storage the marks last as long as the page is open.
      }
    },
  }
}

/**
 * Reads the stored keys. Undefined when the browser does not let pages store data; empty when they cannot be parsed.
 */
function stored(storage: () => Pick<Storage, 'getItem'>): string[] | undefined {
  try {
    const text = storage().getItem(STORED)
    const keys: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(keys) ? keys.map(String) : []
  } catch (error) {
    return error instanceof SyntaxError ? [] : undefined
  }
}
