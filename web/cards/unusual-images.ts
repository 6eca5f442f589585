import type { UnusualImagePage } from '../answers.ts'
import { byId, setMessage, setText } from '../dom/elements.ts'
import { renderUnusualImages } from '../dom/unusual-images-table.ts'
import {
  classNames,
  hasUnusualImagesForChoice,
  mayHaveMoreUnusualImages,
  nextUnusualImagesUrl,
  type Page,
  raiseUnusualImageLimit,
  serverNow,
  unusualImageRows,
} from '../page.ts'
import type { Seen } from '../seen.ts'
import { classLabel } from '../view-models/classes.ts'
import { type Clock, formatCount, plural } from '../view-models/format.ts'
import { type UnusualImageItem, unusualImageItems } from '../view-models/unusual-images.ts'

/** Max number of pages that one click on "Show more" loads to find another unusual image. */
const MAX_PAGES = 10

/** Draws the card of unusual images for the current choice. */
export function renderUnusualImagesCard(page: Page, clock: Clock, seen: Seen): void {
  if (!page.answers.unusualImages) return
  const isForChoice = hasUnusualImagesForChoice(page)
  const items = itemsOf(page, clock, seen)
  byId('unusual-images').toggleAttribute('data-stale', !isForChoice)
  renderUnusualImages(items, (key, isSeen) => {
    seen.mark([key], isSeen)
    renderUnusualImagesCard(page, clock, seen)
  })
  setText(byId('unusual-images-time'), `Time (${clock.zoneName(serverNow(page))})`)
  setText(byId('wrong-note'), isForChoice ? countText(page) : '')
  byId('more-unusual-images').hidden = !isForChoice || !(mayHaveMoreUnusualImages(page) || nextUnusualImagesUrl(page))
  byId('see-all').hidden = items.every(item => item.seen)
  setMessage('unusual-images-message', items.length > 0 ? null : isForChoice ? emptyMessage(page) : 'Loading…')
}

/** Marks all shown unusual images as seen. */
export function markAllSeen(page: Page, clock: Clock, seen: Seen): void {
  seen.mark(
    itemsOf(page, clock, seen).map(({ key }) => key),
    true,
  )
  renderUnusualImagesCard(page, clock, seen)
}

/**
 * Loads more unusual images: with a longer answer first, then with the next pages of the API.
 *
 * @param pollNow starts a round, which requests the longer answer
 * @throws Error when a page cannot be loaded
 */
export async function showMoreUnusualImages(
  page: Page,
  pollNow: () => void,
  unusualImagePage: (url: string) => Promise<UnusualImagePage>,
): Promise<void> {
  if (raiseUnusualImageLimit(page)) {
    pollNow()
    return
  }
  const chosen = page.choice
  const before = unusualImageRows(page).length
  const button = byId<HTMLButtonElement>('more-unusual-images')
  button.disabled = true
  try {
    for (let pages = 0; pages < MAX_PAGES && unusualImageRows(page).length <= before; pages++) {
      const next = nextUnusualImagesUrl(page)
      if (!next) break
      const answer = await unusualImagePage(next)
      if (page.choice !== chosen) break
      page.olderUnusualImages = { rows: [...(page.olderUnusualImages?.rows ?? []), ...answer.rows], next: answer.next }
    }
  } finally {
    button.disabled = false
  }
}

function itemsOf(page: Page, clock: Clock, seen: Seen): UnusualImageItem[] {
  return unusualImageItems(unusualImageRows(page), page.choice, seen.keys, clock, serverNow(page))
}

function countText(page: Page): string {
  const { length } = unusualImageRows(page)
  if (length === 0) return ''
  const { focus } = page.choice
  return `${mayHaveMoreUnusualImages(page) ? `newest ${formatCount(length)}` : plural(length, 'image')}${focus ? ` of ${classLabel(focus)}` : ''}`
}

function emptyMessage(page: Page): string {
  const { answers, choice } = page
  const { focus } = choice
  if (unusualImageRows(page).length > 0 && choice.hidesSeen) return 'You have marked all unusual images as seen.'
  if (focus && answers.joined && !classNames(page).includes(focus)) return `There is no image of the class “${focus}”.`
  const isFiltered = choice.rule !== null || choice.minScore !== null
  if (nextUnusualImagesUrl(page)) {
    const found = isFiltered ? 'None of the newest unusual images match the filters.' : 'No recent unusual images.'
    return `${found} “Show more” looks at older ones.`
  }
  if (isFiltered) return 'No unusual image matches the filters.'
  if (focus) return `No recent unusual images of ${classLabel(focus)}.`
  if (!answers.health) return 'No unusual images.'
  return answers.health.batch.revision
    ? 'No unusual images. An image that differs strongly from what is normal for its class appears here within seconds.'
    : 'No unusual images yet. Images are compared with what is normal for their class after the first batch view is published.'
}
