const STORED = 'landcover.seen'
/** More alerts than this are on no page; those that were marked longest ago go first. */
const MOST = 5_000

export type Seen = {
  keys: ReadonlySet<string>
  mark(keys: Iterable<string>, seen: boolean): void
}

/**
 * Which alerts the reader has marked as seen: in this browser, for as long as it keeps what pages store.
 *
 * @param storage throws where the browser lets pages store nothing
 */
export function openSeen(storage: () => Pick<Storage, 'getItem' | 'setItem'>): Seen {
  const keys = new Set(stored(storage))
  return {
    keys,
    mark(marked, seen) {
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

function stored(storage: () => Pick<Storage, 'getItem'>): string[] {
  try {
    const keys: unknown = JSON.parse(storage().getItem(STORED) ?? '[]')
    return Array.isArray(keys) ? keys.map(String) : []
  } catch {
    return []
  }
}
