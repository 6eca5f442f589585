import type { AlertRow } from '../rows.ts'
import { alertsBetween } from './alerts.ts'
import { formatCount, plural } from './format.ts'
import type { NowView } from './now.ts'

export type Phrase = { text: string; strong: boolean }

/** The page in a few words: how many images, which classes are not as usual, how many alerts. */
export function headline(now: NowView, alerts: readonly AlertRow[], alertLimit: number): Phrase[] {
  const classes = plural(now.classes, 'class', 'classes')
  return [
    strong(plural(now.images, 'image')),
    plain(` of ${classes} ${now.filling ? 'so far in' : 'in'} the window ${now.range}. `),
    ...normality(now),
    ...alertCount(now, alerts, alertLimit),
  ]
}

function normality({ away, comparable }: NowView): Phrase[] {
  if (comparable === 0) return []
  const [first, second] = away
  if (!first) return [strong('Every class is near its normal.'), plain(' ')]
  const phrases = [strong(first.bar.label), plain(' is '), strong(distance(first.difference)), plain(' its normal')]
  if (second) phrases.push(plain(', '), strong(second.bar.label), plain(' '), strong(distance(second.difference)))
  if (away.length > 2) phrases.push(plain(`, and ${away.length - 2} more are away from theirs`))
  return [...phrases, plain('. ')]
}

const distance = (difference: number) => `${Math.abs(difference).toFixed(3)} ${difference < 0 ? 'below' : 'above'}`

function alertCount(now: NowView, alerts: readonly AlertRow[], limit: number): Phrase[] {
  const count = alertsBetween(alerts, now.startMs, now.endMs)
  if (count === 0) return [plain('No alerts.')]
  // The answer is cut off at the limit: when all of it is of this window, there may be more.
  const more = count === alerts.length && alerts.length >= limit
  return [strong(more ? `${formatCount(count)} or more alerts` : plural(count, 'alert')), plain('.')]
}

const strong = (text: string): Phrase => ({ text, strong: true })
const plain = (text: string): Phrase => ({ text, strong: false })
