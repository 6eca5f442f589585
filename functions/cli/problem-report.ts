/** Maximum number of problems of one kind that are shown. Further ones are only counted. */
const PROBLEMS_SHOWN = 20

/** Creates a report that prints the first problems of each kind when they come, and the number of the others at the end. */
export function problemReport(tell: (line: string) => void) {
  const counts = new Map<string, number>()
  return {
    add(problem: string, kind = ''): void {
      const count = (counts.get(kind) ?? 0) + 1
      counts.set(kind, count)
      if (count <= PROBLEMS_SHOWN) tell(problem)
    },
    end(): void {
      for (const [kind, count] of counts) {
        if (count > PROBLEMS_SHOWN) tell(`… and ${count - PROBLEMS_SHOWN} more ${kind}`.trimEnd())
      }
    },
    total: () => counts.values().reduce((sum, count) => sum + count, 0),
    counts: counts as ReadonlyMap<string, number>,
  }
}
