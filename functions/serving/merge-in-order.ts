/** Merges streams that are in order. Of equal values, that of the first stream comes first. */
export async function* mergeInOrder<T>(
  streams: readonly AsyncGenerator<T>[],
  compare: (a: T, b: T) => number,
): AsyncGenerator<T> {
  const heads = await Promise.all(streams.map(stream => stream.next()))
  for (;;) {
    let first = -1
    for (const [index, head] of heads.entries()) {
      if (head.done) continue
      const best = heads[first]
      if (!best || best.done || compare(head.value, best.value) < 0) first = index
    }
    const head = heads[first]
    if (!head || head.done) return
    yield head.value
    heads[first] = await (streams[first] as AsyncGenerator<T>).next()
  }
}
