import type { ReadReport } from '../files/rows.ts'

/** Creates a report that prints each note once, when it comes, and the counts of warnings at the end. */
export function readReport(tell: (line: string) => void): ReadReport & { end(): void; warnings(): number } {
  const noted = new Set<string>()
  const counts = new Map<string, number>()
  return {
    note(sentence) {
      if (noted.has(sentence)) return
      noted.add(sentence)
      tell(sentence)
    },
    warn(sentence) {
      counts.set(sentence, (counts.get(sentence) ?? 0) + 1)
    },
    end() {
      for (const [sentence, count] of counts) tell(`${count} ${count === 1 ? 'row' : 'rows'}: ${sentence}`)
    },
    warnings: () => counts.values().reduce((sum, count) => sum + count, 0),
  }
}
