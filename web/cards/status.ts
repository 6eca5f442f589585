import { byId, setText } from '../dom/elements.ts'
import { renderTrust } from '../dom/trust.ts'
import { isEmpty, type Page, serverNow } from '../page.ts'
import { bannerOf, pillOf } from '../view-models/connection.ts'
import { type Clock, formatDuration } from '../view-models/format.ts'
import { trustView } from '../view-models/trust.ts'

const NOTICE_MS = 6_000

/**
 * Draws everything that changes as time passes: ages, the status and the countdown of the banner.
 *
 * @param nextTryAt start of the next round, local time; null while one runs
 */
export function renderStatus(page: Page, clock: Clock, nextTryAt: number | null): void {
  const { answers, connection, notice, times } = page
  if (answers.health) renderTrust(trustView(answers.health, clock, serverNow(page)))

  const pill = pillOf(connection, answers.health?.status === 'degraded', isEmpty(page))
  byId('pill').dataset.tone = pill.tone
  setText(byId('pill'), pill.text)
  document.body.dataset.phase = connection.phase
  const lag = connection.phase === 'live' ? (answers.health?.speed.lag_ms ?? null) : null
  setText(byId('checked'), lag === null ? '' : lag === 0 ? 'up to date' : `${formatDuration(lag)} behind`)

  const local = times.local()
  const recovered = connection.phase === 'live' && local < page.recoveredUntil
  const failure = notice && local < notice.until ? notice.banner : null
  const retryInMs = nextTryAt === null ? null : nextTryAt - local
  const banner = failure ?? bannerOf({ ...connection, recovered }, retryInMs, local)
  byId('banner').hidden = banner === null
  if (banner) {
    byId('banner').dataset.tone = banner.tone
    setText(byId('banner-title'), `${banner.title}.`)
    setText(byId('banner-detail'), banner.detail)
    byId('retry').hidden = !banner.retry
  }
  // A screen reader reads this text. The countdown changes every second, so only the change of state is in it.
  setText(byId('announcer'), failure ? failure.title : recovered ? 'Connected again' : pill.text)
}

/** Shows in the banner, for some seconds, what the page could not do. It appears with the next `renderStatus`. */
export function notifyFailure(page: Page, title: string, error: unknown): void {
  const detail = error instanceof Error ? `${error.message}.` : ''
  page.notice = { banner: { tone: 'bad', title, detail, retry: false }, until: page.times.local() + NOTICE_MS }
}
