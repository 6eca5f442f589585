import { compareText } from '../core/text-order.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** Creates a store of objects in memory, for what is only tried out. */
export function memoryObjectStore(): ObjectStore {
  const objects = new Map<string, Uint8Array>()
  return {
    get: async key => objects.get(key),
    async put(key, bytes) {
      objects.set(key, Uint8Array.from(bytes))
    },
    async putIfAbsent(key, bytes) {
      if (objects.has(key)) return false
      objects.set(key, Uint8Array.from(bytes))
      return true
    },
    async *list(prefix, after = '') {
      const keys = [...objects.keys()].filter(key => key.startsWith(prefix) && key > after)
      yield* keys.sort(compareText)
    },
    async delete(key) {
      objects.delete(key)
    },
  }
}
