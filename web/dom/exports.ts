/** The part of the page that a button or a link to save it belongs to. */
function partOf(element: Element): string {
  return element.closest<HTMLElement>('[data-part]')?.dataset.part ?? ''
}

/**
 * @param onPicture told of the part whose picture the reader wants
 * @param onTable given the address of a table that the reader wants; without it the link itself is enough
 */
export function prepareExports(
  onPicture: (part: string) => unknown,
  onTable?: (url: string, name: string) => unknown,
): void {
  for (const button of document.querySelectorAll('[data-picture]')) {
    button.addEventListener('click', () => onPicture(partOf(button)))
  }
  if (!onTable) return
  for (const link of document.querySelectorAll<HTMLAnchorElement>('[data-table]')) {
    link.addEventListener('click', event => {
      event.preventDefault()
      onTable(link.href, link.download)
    })
  }
}

/** @param urls of tables as CSV, by the part of the page that shows them */
export function renderExports(urls: Record<string, string>): void {
  for (const link of document.querySelectorAll<HTMLAnchorElement>('[data-table]')) {
    const url = urls[partOf(link)]
    if (url) link.href = url
  }
}
