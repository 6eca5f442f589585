/**
 * Plays histories, as many as the argument of the program says, and ends it with 1 at the first that breaks a law.
 *
 * @param play plays the history of a seed, and returns the law that it breaks, or null
 */
export async function judgeHistories(play: (seed: number) => Promise<string | null>): Promise<void> {
  const histories = Number(process.argv[2])
  for (let seed = 1; seed <= histories; seed++) {
    const breach = await play(seed)
    if (breach === null) continue
    process.stdout.write(`history ${seed} breaks a law: ${breach}\n`)
    process.exitCode = 1
    break
  }
}
