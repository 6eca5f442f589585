import type { Alert } from '../answers.ts'
import { alertsBetween } from './alerts.ts'
import { formatCount, plural } from './format.ts'
import type { NowView } from './now.ts'

export type Phrase = { text: string; strong: boolean }

/** What stands out, in one sentence: the page's first answer. */
export function headline({ away, comparable, normals, isRecent }: NowView): Phrase[] {
  if (normals === null) return [strong('Images are coming in'), plain('; what is normal is not known right now.')]
  if (comparable === 0) return [strong('Images are coming in'), plain(', with nothing to compare them with yet.')]
  const [first, second] = away
  if (!first && comparable === normals) {
    return isRecent
      ? [strong('Every class is near its normal.')]
      : [strong('Every class was near its normal'), plain(' when images last came.')]
  }
  if (!first) {
    const some = `${formatCount(comparable)} of ${plural(normals, 'class', 'classes')}`
    return [strong(some), plain(` ${comparable === 1 ? 'has' : 'have'} images in the newest window, near normal.`)]
  }
  const phrases = [
    strong(first.bar.label),
    plain(isRecent ? ' is ' : ' was last '),
    strong(distance(first.difference)),
    plain(' its normal'),
  ]
  if (second) phrases.push(plain(', '), strong(second.bar.label), plain(' '), strong(distance(second.difference)))
  if (away.length > 2) phrases.push(plain(`, ${away.length - 2} more are away`))
  return [...phrases, plain('.')]
}

/**
 * Of what that was said: how many images, when, and how many alerts.
 *
 * @param alerts undefined while they are not known
 * @param limit how many alerts the answer may hold
 * @param isFiltered the alerts are some of all
 */
export function subline(
  now: NowView,
  alerts: readonly Alert[] | undefined,
  limit: number,
  isFiltered: boolean,
): string {
  const classes = plural(now.classes, 'class', 'classes')
  const found = alerts ? `, ${alertCount(now, alerts, limit)}${isFiltered ? ' as chosen below' : ''}` : ''
  return `${plural(now.images, 'image')} of ${classes} ${now.filling ? 'so far in' : 'in'} the window ${now.range}${found}.`
}

const distance = (difference: number) => `${Math.abs(difference).toFixed(3)} ${difference < 0 ? 'below' : 'above'}`

function alertCount(now: NowView, alerts: readonly Alert[], limit: number): string {
  const count = alertsBetween(alerts, now.startMs, now.endMs)
  if (count === 0) return 'no alerts'
  // The answer is cut off at the limit: when all of it is of this window, there may be more.
  const more = count === alerts.length && alerts.length >= limit
  return more ? `${formatCount(count)} or more alerts` : plural(count, 'alert')
}

const strong = (text: string): Phrase => ({ text, strong: true })
const plain = (text: string): Phrase => ({ text, strong: false })
