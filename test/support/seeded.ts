/** Where the choices of a test come from: said once, and repeated by SEED=…. */
export interface Seeded {
  seed: number
  /** From 0 up to 1. */
  next(): number
}

/** Mulberry32 (Tommy Ettinger, 2017; public domain). */
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
