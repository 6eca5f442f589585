import { COLOUR_COUNT } from '../view-models/classes.ts'

/** Colours and font of the charts. They come from the style sheet, the only place that defines colours. */
export type Theme = {
  ink: string
  muted: string
  grid: string
  surface: string
  accent: string
  bad: string
  font: string
  /** Class colours, indexed by `ClassKey.colour`. */
  classes: readonly string[]
}

/** Reads the theme from the style sheet. */
export function readTheme(element: Element = document.documentElement): Theme {
  const style = getComputedStyle(element)
  const value = (name: string) => style.getPropertyValue(name).trim()
  return {
    ink: value('--ink'),
    muted: value('--muted'),
    grid: value('--grid'),
    surface: value('--surface'),
    accent: value('--accent'),
    bad: value('--bad'),
    font: getComputedStyle(document.body).fontFamily,
    classes: Array.from({ length: COLOUR_COUNT }, (_, index) => value(`--class-${index}`)),
  }
}

/** Calls back when the user switches between light and dark mode. */
export function onThemeChange(callback: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', callback)
}

/** Adds an opacity (0..1) to a colour `#rrggbb`. */
export const withOpacity = (hex: string, opacity: number): string =>
  `${hex}${Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0')}`

/** Opacity of a class while another one is highlighted. */
export const DIMMED = 0.18

/** Tooltip options of all charts. */
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
