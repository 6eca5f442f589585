import type { ClassKey } from '../view-models/classes.ts'
import { byId, classDot, make, setAttribute } from './elements.ts'
import { syncRows } from './rows.ts'

/** Updates the class buttons: one per class, in its colour. A click highlights the class; a second click shows all. */
export function renderClassKey(
  keys: readonly ClassKey[],
  focus: string | null,
  onFocus: (className: string) => void,
): void {
  const group = byId('key')
  group.parentElement?.toggleAttribute('data-focused', focus !== null)
  syncRows(
    group,
    keys,
    key => key.className,
    key => {
      const button = make('button')
      button.type = 'button'
      button.append(classDot(key.colour), key.label)
      button.addEventListener('click', () => onFocus(key.className))
      return button
    },
    (button, key) => setAttribute(button, 'aria-pressed', String(focus === key.className)),
  )
}
