import { BadParameterError } from './bad-parameter.ts'

/** Maximum number of edits (a character inserted, left out or replaced) between a name and one that is near it. */
const MOST_EDITS = 3
/** Maximum number of near names that are returned. */
const MOST_NEAR = 5

/** Finds the names that differ from a name in few characters, the nearest first. Case does not count. */
export function nearNames(name: string, names: Iterable<string>): string[] {
  const wanted = name.toLowerCase()
  const most = Math.min(MOST_EDITS, Math.max(1, Math.floor(wanted.length / 3)))
  const near = Array.from(names, each => ({ each, edits: edits(wanted, each.toLowerCase(), most) }))
  return near
    .filter(({ edits }) => edits <= most)
    .sort((a, b) => a.edits - b.edits || (a.each < b.each ? -1 : 1))
    .slice(0, MOST_NEAR)
    .map(({ each }) => each)
}

/**
 * Error of a name that is not there, with the names that are near it and status 404.
 *
 * @param words the parameter, what is wrong with the name, the word for such names, and the endpoint that has all of them
 */
export function unknownName(
  asked: string,
  names: Iterable<string>,
  { parameter, wrong, noun, all }: { parameter: string; wrong: string; noun: string; all: string },
): BadParameterError {
  const near = nearNames(asked, names)
  const advice =
    near.length > 0 ? `near ${noun}s are ${near.map(name => JSON.stringify(name)).join(', ')}` : `no ${noun} is near it`
  return new BadParameterError(`${parameter}: ${JSON.stringify(asked)} ${wrong}; ${advice}. ${all}`, 404, { near })
}

/** Levenshtein distance, or more than `most`. Only cells near the diagonal are computed: the cost is linear. */
function edits(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next: number[] = new Array(b.length + 1).fill(most + 1)
    if (i <= most) next[0] = i
    for (let j = Math.max(1, i - most); j <= Math.min(b.length, i + most); j++) {
      const [left, above, diagonal] = [next[j - 1] as number, row[j] as number, row[j - 1] as number]
      next[j] = Math.min(left + 1, above + 1, diagonal + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length] as number
}
