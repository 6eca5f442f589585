import type { Rule } from '../unusual-image.ts'
import { classZscore } from './class-zscore.ts'
import { imageRange } from './image-range.ts'

/** All rules by name. A new rule is a file and an entry here. */
export const RULES: ReadonlyMap<string, Rule> = new Map([classZscore, imageRange].map(rule => [rule.name, rule]))

export const DEFAULT_RULES: readonly Rule[] = [classZscore]

/**
 * Parses a list of rules such as `class-zscore,image-range`. The order stays.
 *
 * @throws Error that lists the existing rules
 */
export function rulesNamed(names: string): Rule[] {
  return names.split(',').map(name => {
    const rule = RULES.get(name.trim())
    if (!rule) throw new Error(`there is no rule '${name.trim()}'; there are ${[...RULES.keys()].join(', ')}`)
    return rule
  })
}
