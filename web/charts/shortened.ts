/** Cuts a text to a width, px, in the current font of a canvas. Three dots stand for what is cut off. */
export function shortened(ctx: CanvasRenderingContext2D, text: string, widthPx: number): string {
  if (ctx.measureText(text).width <= widthPx) return text
  const characters = Array.from(text)
  while (characters.length > 1 && ctx.measureText(`${characters.join('')}…`).width > widthPx) characters.pop()
  return `${characters.join('')}…`
}
