import type { AnswerName, Answers, UnusualImage, UnusualImagePage } from './answers.ts'
import type { Queries, Round } from './api.ts'
import type { Choice, RangeName } from './view-models/choice.ts'
import { afterRound, type Banner, CONNECTING, type Connection } from './view-models/connection.ts'
import { MAX_UNUSUAL_IMAGES, queriesOf } from './view-models/questions.ts'

const FIRST_UNUSUAL_IMAGES = 50
const RECOVERED_MS = 6_000

/** State of the page: the answers of the API and the reader's choice. Everything on the page is computed from it. */
export type Page = {
  answers: Partial<Answers>
  choice: Choice
  connection: Connection
  /** Range of `answers.series`; null before the first answer. */
  seriesRange: RangeName | null
  /** URL that `answers.unusualImages` came from. */
  unusualImagesUrl: string | null
  unusualImageLimit: number
  /** Unusual images older than those in `answers.unusualImages`, loaded with "Show more". */
  olderUnusualImages: UnusualImagePage | null
  /** Time when `answers.health` was received, by `times.elapsed`. */
  healthReceivedAt: number
  /** End of the notice that the connection is back, local time. */
  recoveredUntil: number
  /** Failure of an action of the reader. The banner shows it until that local time. */
  notice: { banner: Banner; until: number } | null
  times: Times
}

/** Clocks of the browser, ms. */
export type Times = {
  /** The local clock. It may be wrong, and the user may change it. */
  local(): number
  /** A monotonic clock. */
  elapsed(): number
}

/** Creates the page's state before the first answer. */
export function newPage(choice: Choice, times: Times): Page {
  return {
    answers: {},
    choice,
    connection: CONNECTING,
    seriesRange: null,
    unusualImagesUrl: null,
    unusualImageLimit: FIRST_UNUSUAL_IMAGES,
    olderUnusualImages: null,
    healthReceivedAt: 0,
    recoveredUntil: 0,
    notice: null,
    times,
  }
}

/**
 * The server's current time, ms: `checkedMs` of the last health plus the time since. Before the first, the local clock.
 */
export function serverNow({ answers, healthReceivedAt, times }: Page): number {
  const { health } = answers
  return health ? health.checkedMs + (times.elapsed() - healthReceivedAt) : times.local()
}

/** Queries of the next round. */
export function currentQueries(page: Page): Queries {
  return queriesOf(page.choice, page.unusualImageLimit, page.answers.health, serverNow(page))
}

/**
 * Puts the result of a round into the page. The choice is still the one of the requests: a new choice aborts the round.
 *
 * @param sent the queries of the round
 */
export function receive(page: Page, sent: Queries, round: Round): void {
  const { answers, times } = page
  const isAnswered = (name: AnswerName) => name in round.changed || round.unchanged.includes(name)
  Object.assign(answers, round.changed)
  if (round.changed.health) page.healthReceivedAt = times.elapsed()
  if (isAnswered('series')) page.seriesRange = page.choice.range
  if (isAnswered('unusualImages')) page.unusualImagesUrl = sent.unusualImages.url
  page.connection = afterRound(page.connection, round, times.local())
  if (page.connection.recovered) page.recoveredUntil = times.local() + RECOVERED_MS
}

/** Changes the choice. When it selects other unusual images, the list starts again at its first page. */
export function choose(page: Page, change: Partial<Choice>): void {
  const before = currentQueries(page).unusualImages.url
  page.choice = { ...page.choice, ...change }
  if (currentQueries(page).unusualImages.url === before) return
  page.unusualImageLimit = FIRST_UNUSUAL_IMAGES
  page.olderUnusualImages = null
}

/** True when the system has no image yet: windows and statistics are both known and both empty. */
export function isEmpty({ answers }: Page): boolean {
  return answers.windows?.length === 0 && answers.joined?.length === 0
}

/** Classes that have images. May contain duplicates. */
export function classNames({ answers }: Page): string[] {
  return [...(answers.windows ?? []), ...(answers.joined ?? [])].map(row => row.class_name)
}

/** All loaded unusual images. They belong to the previous choice until `hasUnusualImagesForChoice`. */
export function unusualImageRows({ answers, olderUnusualImages }: Page): UnusualImage[] {
  return [...(answers.unusualImages?.rows ?? []), ...(olderUnusualImages?.rows ?? [])]
}

/** True when the loaded unusual images belong to the current choice. */
export function hasUnusualImagesForChoice(page: Page): boolean {
  return page.unusualImagesUrl === currentQueries(page).unusualImages.url
}

/** True when the answer has as many unusual images as were requested, so there may be more. */
export function mayHaveMoreUnusualImages({ answers, unusualImageLimit }: Page): boolean {
  return (answers.unusualImages?.rows.length ?? 0) >= unusualImageLimit
}

/** Requests more unusual images in the next round. Returns false when one answer cannot hold more. */
export function raiseUnusualImageLimit(page: Page): boolean {
  if (!mayHaveMoreUnusualImages(page) || page.unusualImageLimit >= MAX_UNUSUAL_IMAGES) return false
  page.unusualImageLimit = Math.min(2 * page.unusualImageLimit, MAX_UNUSUAL_IMAGES)
  return true
}

/** URL of the next page of unusual images; null when there is none. */
export function nextUnusualImagesUrl({ answers, olderUnusualImages }: Page): string | null {
  return olderUnusualImages ? olderUnusualImages.next : (answers.unusualImages?.next ?? null)
}
