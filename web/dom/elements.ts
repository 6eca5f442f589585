/** Access to the page's elements. Text is never set as HTML, because ids and names come from outside. */

/**
 * Finds an element by its id.
 *
 * @throws Error when index.html has no such element
 */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  const element = document.getElementById(id)
  if (!element) throw new Error(`index.html has no element with the id "${id}"`)
  return element as Type
}

/** Sets the text only if it differs, so that a selection in unchanged text stays. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Shows a message in place of missing content; null hides it. */
export function setMessage(id: string, message: string | null): void {
  byId(id).hidden = message === null
  setText(byId(id), message ?? '')
}

/** Sets an attribute if it differs; null removes it. */
export function setAttribute(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name)
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}

/** Creates an element. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  { className, role, text }: { className?: string; role?: string; text?: string } = {},
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (role) element.setAttribute('role', role)
  if (text !== undefined) element.textContent = text
  return element
}

/** Dot in a class's colour, for use next to its name. */
export function classDot(colour: number): HTMLSpanElement {
  const dot = make('span', { className: 'dot' })
  dot.setAttribute('aria-hidden', 'true')
  dot.style.setProperty('--dot', `var(--class-${colour})`)
  return dot
}
