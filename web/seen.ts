const STORED = 'landcover.seen'
/** More alerts than this are on no page; those that were marked longest ago go first. */
const MOST = 5_000

export type Seen = {
  keys: ReadonlySet<string>
  mark(keys: Iterable<string>, seen: boolean): void
  /** Takes what another tab has marked. */
  refresh(): void
}

/**
 * Which alerts the reader has marked as seen: in this browser, for as long as it keeps what pages store.
 *
 * @param storage throws where the browser lets pages store nothing
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
        if (keys.size <= MOST) break
        keys.delete(key)
      }
      try {
        storage().setItem(STORED, JSON.stringify([...keys]))
      } catch {
        // Where nothing may be stored, it is known for as long as the page is open.
      }
    },
  }
}

/** Undefined where nothing can be stored. */
function stored(storage: () => Pick<Storage, 'getItem'>): string[] | undefined {
  try {
    const text = storage().getItem(STORED)
    const keys: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(keys) ? keys.map(String) : []
  } catch (error) {
    return error instanceof SyntaxError ? [] : undefined
  }
}
