import { type Choice, MIN_SCORES, RANGE_NAMES } from '../view-models/choice.ts'
import { byId, make } from './elements.ts'

const radios = (name: string) => [...document.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)]

/**
 * Connects the page's controls.
 *
 * @param choose called with each change of the choice
 */
export function prepareControls(choose: (change: Partial<Choice>) => void): void {
  for (const radio of radios('range')) {
    radio.addEventListener('change', () => {
      const range = RANGE_NAMES.find(name => name === radio.value)
      if (range) choose({ range })
    })
  }
  for (const radio of radios('scale')) {
    radio.addEventListener('change', () => choose({ scale: radio.value === 'difference' ? 'difference' : 'ndvi' }))
  }
  const rule = byId<HTMLSelectElement>('rule')
  rule.addEventListener('change', () => choose({ rule: rule.value || null }))
  const score = byId<HTMLSelectElement>('min-score')
  score.append(...MIN_SCORES.map(least => option(String(least), `${least} sd or more`)))
  score.addEventListener('change', () => choose({ minScore: score.value ? Number(score.value) : null }))
  const hide = byId<HTMLInputElement>('hide-seen')
  hide.addEventListener('change', () => choose({ hidesSeen: hide.checked }))
}

/** Shows the choice in the controls. */
export function renderControls(choice: Choice, rules: readonly string[]): void {
  for (const radio of radios('range')) radio.checked = radio.value === choice.range
  for (const radio of radios('scale')) radio.checked = radio.value === choice.scale
  const rule = byId<HTMLSelectElement>('rule')
  const existing = new Set([...rule.options].map(({ value }) => value))
  rule.append(...rules.filter(name => !existing.has(name)).map(name => option(name, name)))
  rule.value = choice.rule ?? ''
  byId<HTMLSelectElement>('min-score').value = String(choice.minScore ?? '')
  byId<HTMLInputElement>('hide-seen').checked = choice.hidesSeen
}

function option(value: string, text: string): HTMLOptionElement {
  const element = make('option', { text })
  element.value = value
  return element
}
