import { byId, make } from './elements.ts'

/** Draws grey placeholder rows, as high as the rows that replace them. */
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
