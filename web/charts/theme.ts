import { COLOUR_COUNT } from '../view-models/classes.ts'

/** What a chart needs to look like the rest of the page. The style sheet is the one place where colours are chosen. */
export type Theme = {
  ink: string
  muted: string
  grid: string
  surface: string
  font: string
  /** By `ClassKey.colour`. */
  classes: readonly string[]
}

export function readTheme(element: Element = document.documentElement): Theme {
  const style = getComputedStyle(element)
  const value = (name: string) => style.getPropertyValue(name).trim()
  return {
    ink: value('--ink'),
    muted: value('--muted'),
    grid: value('--grid'),
    surface: value('--surface'),
    font: getComputedStyle(document.body).fontFamily,
    classes: Array.from({ length: COLOUR_COUNT }, (_, index) => value(`--class-${index}`)),
  }
}

/** Calls back when the person switches between light and dark. */
export function onThemeChange(callback: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', callback)
}

/** `#rrggbb` with an opacity of 0..1. */
export const withOpacity = (hex: string, opacity: number): string =>
  `${hex}${Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0')}`

/** How strongly a class is drawn while another one is in focus. */
export const DIMMED = 0.18

/** The look of every chart's tooltip. */
export const tooltipTheme = (theme: Theme) => ({
  backgroundColor: theme.ink,
  titleColor: theme.surface,
  bodyColor: theme.surface,
  titleFont: { family: theme.font, size: 13, weight: 600 as const },
  bodyFont: { family: theme.font, size: 12 },
  padding: 10,
  cornerRadius: 8,
  boxPadding: 4,
})
