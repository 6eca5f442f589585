/**
 * Makes `parent` hold one element per item, in order. An element is made once per key and kept while its item is there,
 * so that focus, selection and scroll position survive new data.
 */
export function syncRows<Item, Row extends HTMLElement>(
  parent: HTMLElement,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  create: (item: Item) => Row,
  update: (row: Row, item: Item) => void,
): void {
  const before = new Map<string, Row>()
  for (const child of [...parent.children] as Row[]) {
    // A child without a key is a placeholder of the loading page.
    if (child.dataset.key === undefined) child.remove()
    else before.set(child.dataset.key, child)
  }
  const rows = items.map(item => {
    const key = keyOf(item)
    const row = before.get(key) ?? create(item)
    before.delete(key)
    row.dataset.key = key
    update(row, item)
    return row
  })
  const focused = [...before.values()].find(row => row.contains(document.activeElement))
  const focusedAt = focused ? [...parent.children].indexOf(focused) : -1
  for (const gone of before.values()) gone.remove()
  for (const [index, row] of rows.entries()) {
    const there = parent.children[index]
    if (there !== row) parent.insertBefore(row, there ?? null)
  }
  // Who works with the keyboard goes on with what took its place.
  if (focused) rows[Math.min(focusedAt, rows.length - 1)]?.querySelector<HTMLElement>('button, input')?.focus()
}
