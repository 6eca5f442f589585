/** Random number, uniform in [0, 1). */
export type Random = () => number

/** Random number generator sfc32 (Chris Doty-Humphrey's PractRand), seeded with three words and 15 rounds as there. */
export function randomNumbers(seed: number, stream: number, index: number): Random {
  let a = index | 0
  let b = stream | 0
  let c = seed | 0
  let counter = 1
  const next = () => {
    const word = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + word) | 0
    return (word >>> 0) / 2 ** 32
  }
  for (let round = 0; round < 15; round++) next()
  return next
}

/** Standard normal deviate (Box and Muller 1958). The second of the pair is not used. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
