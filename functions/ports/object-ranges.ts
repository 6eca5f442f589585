/** Object in a bucket that is read by parts. */
export interface ObjectPlace {
  bucket: string
  key: string
}

/** Part of an object, with the size and the tag of the whole. */
export interface ObjectPart {
  bytes: Uint8Array
  sizeBytes: number
  /** Changes with the content of the object. */
  etag: string
}

/** Reader of parts of objects, in buckets that the caller may read. */
export interface ObjectRanges {
  /**
   * Reads bytes of an object; fewer than asked for where it ends.
   *
   * @param etag tag that the object must still have
   * @returns 'missing' if there is no such object, 'changed' if it has another tag
   * @throws Error when the service does not answer, or refuses
   */
  read(place: ObjectPlace, offset: number, length: number, etag?: string): Promise<ObjectPart | 'missing' | 'changed'>
}
