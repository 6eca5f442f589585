import type { Rule } from '../alert.ts'
import { classZscore } from './class-zscore.ts'
import { imageRange } from './image-range.ts'

/** Every rule there is, by name. A new rule is a file of its own and a line here. */
export const RULES: ReadonlyMap<string, Rule> = new Map([classZscore, imageRange].map(rule => [rule.name, rule]))

export const DEFAULT_RULES: readonly Rule[] = [classZscore]

/**
 * The rules of a list such as `class-zscore,image-range`, in its order.
 *
 * @throws Error that names those there are
 */
export function rulesNamed(names: string): Rule[] {
  return names.split(',').map(name => {
    const rule = RULES.get(name.trim())
    if (!rule) throw new Error(`there is no rule '${name.trim()}'; there are ${[...RULES.keys()].join(', ')}`)
    return rule
  })
}
