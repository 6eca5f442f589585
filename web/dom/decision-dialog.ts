import { type DecisionForm, TEXT_LABELS } from '../view-models/decisions.ts'
import { byId, setMessage, setText } from './elements.ts'

const STORED_NAME = 'landcover.name'

/** Dialog in which a reader decides about an incident. */
export type DecisionDialog = {
  /** Opens it for the incident with this id and title. */
  open(id: string, title: string): void
}

/**
 * Prepares the dialog. It stays open, with the reason, when a decision cannot be stored.
 *
 * @param send stores a decision; rejects when it cannot be stored
 * @param storage throws when the browser does not let pages store data
 */
export function prepareDecisionDialog(
  send: (id: string, form: DecisionForm) => Promise<void>,
  storage: () => Pick<Storage, 'getItem' | 'setItem'>,
): DecisionDialog {
  const dialog = byId<HTMLDialogElement>('decide')
  const kind = byId<HTMLSelectElement>('decide-kind')
  const text = byId<HTMLInputElement>('decide-text')
  const by = byId<HTMLInputElement>('decide-by')
  const days = byId<HTMLInputElement>('decide-days')
  const save = byId<HTMLButtonElement>('decide-save')
  let id = ''

  function showFields(): void {
    const label = TEXT_LABELS[kind.value as DecisionForm['kind']]
    byId('decide-text-field').hidden = label === null
    setText(byId('decide-text-label'), label ?? '')
    text.required = label !== null
    byId('decide-days-field').hidden = kind.value !== 'mute'
    days.disabled = kind.value !== 'mute'
  }

  async function store(): Promise<void> {
    save.disabled = true
    const form = { kind: kind.value as DecisionForm['kind'], by: by.value, text: text.value, days: Number(days.value) }
    try {
      await send(id, form)
      remember(storage, by.value)
      dialog.close()
    } catch (error) {
      setMessage('decide-error', `It could not be stored: ${error instanceof Error ? error.message : 'unknown error'}`)
    } finally {
      save.disabled = false
    }
  }

  kind.addEventListener('change', showFields)
  byId('decide-cancel').addEventListener('click', () => dialog.close())
  byId<HTMLFormElement>('decide-form').addEventListener('submit', event => {
    event.preventDefault()
    void store()
  })
  return {
    open(incident, title) {
      id = incident
      setText(byId('decide-title'), title)
      setMessage('decide-error', null)
      kind.value = 'acknowledge'
      text.value = ''
      by.value = remembered(storage)
      showFields()
      dialog.showModal()
    },
  }
}

function remembered(storage: () => Pick<Storage, 'getItem'>): string {
  try {
    return storage().getItem(STORED_NAME) ?? ''
  } catch {
    return ''
  }
}

function remember(storage: () => Pick<Storage, 'setItem'>, name: string): void {
  try {
    storage().setItem(STORED_NAME, name)
  } catch {
    // The reader types it again.
  }
}
