import { byId, make } from './elements.ts'

/** Grey rows of the final height where a table's rows will be. */
export function renderSkeletonRows(bodyId: string, rows: number, columns: number): void {
  byId(bodyId).replaceChildren(
    ...Array.from({ length: rows }, () => {
      const row = make('tr', { className: 'skeleton' })
      row.setAttribute('aria-hidden', 'true')
      row.append(...Array.from({ length: columns }, () => make('td')))
      return row
    }),
  )
}
