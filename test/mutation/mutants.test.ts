import { describe, expect, it } from 'vitest'
import { mutantsOf, withMutants } from './mutants.ts'

const SOURCE = `
const found = []
const count = { value: 1 }
found.push(count.value)
count.value += 2
found.push(count.value)
if (count.value > 2) found.push('more')
count.value > 3 ? found.push('most') : found.push('least')
return found.join()
`

/** Runs the source as a function, with all its mutants in it and one of them on. */
function run(active: number | null, chosen = mutantsOf('module.ts', `function run() {${SOURCE}}`)): unknown {
  const source = withMutants(
    `function run() {${SOURCE}}`,
    chosen.map((mutant, id) => ({ id, mutant })),
  )
  return new Function('__mutant', `${source}\nreturn run()`)((id: number) => id === active)
}

describe('a module with mutants in it', () => {
  const mutants = mutantsOf('module.ts', `function run() {${SOURCE}}`)

  it('does what the module does while no mutant is on, with all of them or with any one', () => {
    expect(run(null)).toBe('1,3,more,least')
    for (const mutant of mutants) expect(run(null, [mutant])).toBe('1,3,more,least')
  })

  it('does something else while one is on', () => {
    const outcomes = mutants.map((_, id) => {
      try {
        return run(id)
      } catch (error) {
        return String(error)
      }
    })
    const same = mutants.filter((_, id) => outcomes[id] === '1,3,more,least')
    // Three is above 2 and at least 2; it is above neither 3 nor 4, so that "most" is never reached.
    expect(same.map(({ before, after }) => `${before} → ${after}`)).toEqual([
      'count.value > 2 → true',
      'count.value > 2 → count.value >= 2',
      'count.value > 3 → false',
      '3 → 3 + 1',
      "'most' → ''",
    ])
  })
})
