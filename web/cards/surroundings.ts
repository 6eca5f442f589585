import type { NowChart } from '../charts/now-chart.ts'
import type { Theme } from '../charts/theme.ts'
import type { TrendChart } from '../charts/trend-chart.ts'
import type { Clock } from '../view-models/format.ts'

/** Tools for the cards. The data is in the page object. */
export type CardContext = {
  clock: Clock
  theme: Theme
  /** Charts by card. Each is created with its first data, so that it does not cover the loading shapes before. */
  charts: { now?: NowChart; trend?: TrendChart }
}
