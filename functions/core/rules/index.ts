import type { Rule } from '../alert.ts'
import { classZscore } from './class-zscore.ts'
import { imageRange } from './image-range.ts'

/** Every rule there is, by name. A new rule is a file of its own and a line here. */
export const RULES: ReadonlyMap<string, Rule> = new Map([classZscore, imageRange].map(rule => [rule.name, rule]))

export const DEFAULT_RULES: readonly Rule[] = [classZscore]
