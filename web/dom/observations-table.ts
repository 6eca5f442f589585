import type { ObservationItem } from '../view-models/site.ts'
import { byId, make } from './elements.ts'
import { syncRows } from './rows.ts'

/** Updates the rows of a site's observations. */
export function renderObservationRows(items: readonly ObservationItem[]): void {
  syncRows(
    byId('site-rows'),
    items,
    item => item.key,
    () => make('tr'),
    (row, item) => {
      row.toggleAttribute('data-unclear', !item.isClear)
      row.toggleAttribute('data-unusual', item.isUnusual)
      const time = make('time', { text: item.time })
      time.dateTime = item.timeTitle
      time.title = item.timeTitle
      const head = make('th')
      head.scope = 'row'
      head.append(time)
      row.replaceChildren(
        head,
        make('td', { className: 'number', text: item.ndvi }),
        make('td', { className: 'number', text: item.normal }),
        make('td', { className: 'number', text: item.difference }),
        make('td', { text: item.sky }),
        idCell(item.imageId),
        idCell(item.sceneId),
        make('td', { className: 'number', text: item.texture }),
      )
    },
  )
}

function idCell(id: string): HTMLTableCellElement {
  const cell = make('td')
  const text = make('span', { className: 'id', text: id })
  text.title = id
  cell.append(text)
  return cell
}
