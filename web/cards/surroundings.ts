import type { Theme } from '../charts/theme.ts'
import type { Clock } from '../view-models/format.ts'

/** What a card needs beside what the page knows. */
export type Surroundings = { clock: Clock; theme: Theme }
