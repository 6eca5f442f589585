/** Named, whole objects. Keys are `/`-separated; a reader sees an object whole or not at all. */
export interface ObjectStore {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Stores the object only where there is none of that key yet: of several writers exactly one is told true. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>
  /** Keys that start with `prefix` and sort behind `after`, in order. */
  list(prefix: string, after?: string): AsyncIterable<string>
  delete(key: string): Promise<void>
}
