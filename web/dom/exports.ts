import { besidePage } from '../api.ts'

/** Name of the card that an export button or link is in. */
function cardOf(element: Element): string {
  return element.closest<HTMLElement>('[data-card]')?.dataset.card ?? ''
}

/**
 * Connects the buttons and links that save a picture or a table.
 *
 * @param onPicture called with the card's name
 * @param onTable called with the table's URL and file name; without it the link works by itself
 */
export function prepareExports(
  onPicture: (card: string) => unknown,
  onTable?: (url: string, name: string) => unknown,
): void {
  for (const button of document.querySelectorAll('[data-picture]')) {
    button.addEventListener('click', () => onPicture(cardOf(button)))
  }
  if (!onTable) return
  for (const link of document.querySelectorAll<HTMLAnchorElement>('[data-table]')) {
    link.addEventListener('click', event => {
      event.preventDefault()
      onTable(link.href, link.download)
    })
  }
}

/**
 * Updates the links to the tables.
 *
 * @param urls URLs of the tables as CSV, by card
 */
export function renderExports(urls: Record<string, string>): void {
  for (const link of document.querySelectorAll<HTMLAnchorElement>('[data-table]')) {
    const url = urls[cardOf(link)]
    if (url) link.href = besidePage(url)
  }
}
