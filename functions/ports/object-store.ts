/** Store of named, whole objects. Keys are separated by `/`. A reader sees a whole object or none. */
export interface ObjectStore {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Stores the object if the key has none yet. Of several writers, exactly one gets true. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>
  /** Lists the keys that start with `prefix` and sort after `after`, in order. */
  list(prefix: string, after?: string): AsyncIterable<string>
  delete(key: string): Promise<void>
}
