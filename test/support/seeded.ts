/** Source of random choices in a test. Set SEED=… to repeat them. */
export interface Seeded {
  seed: number
  /** Next random number, 0 (included) to 1 (excluded). */
  next(): number
}

/** Random numbers with Mulberry32 (Tommy Ettinger, 2017; public domain). */
export function seeded(seed: number = Number(process.env.SEED ?? Date.now() % 1e9)): Seeded {
  let state = seed
  return {
    seed,
    next() {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    },
  }
}
