import type { UnusualImage } from '../answers.ts'
import { formatCount, plural } from './format.ts'
import type { NowView } from './now.ts'
import { unusualImagesBetween } from './unusual-images.ts'

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
 * Line below the headline: number of images, window, and number of unusual images. Where images come hours or days
 * after they were taken, it begins with the time of the newest image.
 *
 * @param unusualImages undefined when they are not loaded
 * @param limit max number of unusual images in the answer
 * @param isFiltered true when the unusual images are filtered
 */
export function subline(
  now: NowView,
  unusualImages: readonly UnusualImage[] | undefined,
  limit: number,
  isFiltered: boolean,
): string {
  const classes = plural(now.classes, 'class', 'classes')
  const found = unusualImages
    ? `, ${unusualImageCount(now, unusualImages, limit)}${isFiltered ? ' with the filters below' : ''}`
    : ''
  const counted = `${plural(now.images, 'image')} of ${classes} ${now.filling ? 'so far in' : 'in'} the window ${now.range}${found}.`
  return now.latest === null ? counted : `Latest image: ${now.latest}. ${counted}`
}

const distance = (difference: number) => `${Math.abs(difference).toFixed(3)} ${difference < 0 ? 'below' : 'above'}`

function unusualImageCount(now: NowView, unusualImages: readonly UnusualImage[], limit: number): string {
  const count = unusualImagesBetween(unusualImages, now.startMs, now.endMs)
  if (count === 0) return 'no unusual images'
  // The answer ends at the limit. When all of its unusual images are in this window, there may be more.
  const more = count === unusualImages.length && unusualImages.length >= limit
  return more ? `${formatCount(count)} or more unusual images` : plural(count, 'unusual image')
}

const strong = (text: string): Phrase => ({ text, strong: true })
const plain = (text: string): Phrase => ({ text, strong: false })
