import type { Alert } from '../answers.ts'
import { alertsBetween } from './alerts.ts'
import { formatCount, plural } from './format.ts'
import type { NowView } from './now.ts'

/** A part of a sentence. */
export type Phrase = { text: string; strong: boolean }

/** Headline of the page: the classes that differ from normal, in one sentence. */
export function headline({ away, comparable, baselineCount, isRecent }: NowView): Phrase[] {
  if (baselineCount === null) return [strong('Images are coming in'), plain('. The normal values could not be loaded.')]
  if (comparable === 0)
    return [strong('Images are coming in'), plain('. What is normal for each class is not known yet.')]
  const [first, second] = away
  if (!first && comparable === baselineCount) {
    return isRecent
      ? [strong('Every class is near normal.')]
      : [strong('Every class was near normal'), plain(' when the last images came.')]
  }
  if (!first) {
    const some = `${formatCount(comparable)} of ${plural(baselineCount, 'class', 'classes')}`
    return [strong(some), plain(` ${comparable === 1 ? 'has' : 'have'} images in the newest window, near normal.`)]
  }
  const phrases = [
    strong(first.bar.label),
    plain(isRecent ? ' is ' : ' was last '),
    strong(distance(first.difference)),
    plain(' normal'),
  ]
  if (second) phrases.push(plain(', '), strong(second.bar.label), plain(' '), strong(distance(second.difference)))
  if (away.length > 2) phrases.push(plain(`, and ${away.length - 2} more ${away.length === 3 ? 'differs' : 'differ'}`))
  return [...phrases, plain('.')]
}

/**
 * Line below the headline: number of images, window, and number of alerts.
 *
 * @param alerts undefined when they are not loaded
 * @param limit max number of alerts in the answer
 * @param isFiltered true when the alerts are filtered
 */
export function subline(
  now: NowView,
  alerts: readonly Alert[] | undefined,
  limit: number,
  isFiltered: boolean,
): string {
  const classes = plural(now.classes, 'class', 'classes')
  const found = alerts ? `, ${alertCount(now, alerts, limit)}${isFiltered ? ' with the filters below' : ''}` : ''
  return `${plural(now.images, 'image')} of ${classes} ${now.filling ? 'so far in' : 'in'} the window ${now.range}${found}.`
}

const distance = (difference: number) => `${Math.abs(difference).toFixed(3)} ${difference < 0 ? 'below' : 'above'}`

function alertCount(now: NowView, alerts: readonly Alert[], limit: number): string {
  const count = alertsBetween(alerts, now.startMs, now.endMs)
  if (count === 0) return 'no alerts'
  // The answer ends at the limit. When all of its alerts are in this window, there may be more.
  const more = count === alerts.length && alerts.length >= limit
  return more ? `${formatCount(count)} or more alerts` : plural(count, 'alert')
}

const strong = (text: string): Phrase => ({ text, strong: true })
const plain = (text: string): Phrase => ({ text, strong: false })
