/**
 * Makes a box focusable while its content overflows, so that the keyboard can scroll it. A box whose content fits is
 * not a Tab stop.
 */
export function keepScrollable(box: HTMLElement): void {
  const check = () => {
    if (box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1) {
      box.tabIndex = 0
      box.setAttribute('role', 'region')
      box.setAttribute('aria-label', box.dataset.scrolls ?? '')
    } else {
      box.removeAttribute('tabindex')
      box.removeAttribute('role')
      box.removeAttribute('aria-label')
    }
  }
  const observer = new ResizeObserver(check)
  observer.observe(box)
  for (const child of box.children) observer.observe(child)
}
