/**
 * Updates the children of `parent`: one element per item, in order. An element is created once per key and kept as long
 * as its item exists, so that focus, selection and scroll position are kept when data changes.
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
  for (const removed of before.values()) removed.remove()
  for (const [index, row] of rows.entries()) {
    const current = parent.children[index]
    if (current !== row) parent.insertBefore(row, current ?? null)
  }
  // If the focused row was removed, the focus moves to the row at its position.
  if (focused) rows[Math.min(focusedAt, rows.length - 1)]?.querySelector<HTMLElement>('button, input')?.focus()
}
