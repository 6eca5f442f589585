import { playTelling } from './histories.ts'

/** Plays histories of telling, as many as the argument says, and ends with 1 at the first that breaks a law. */
const histories = Number(process.argv[2])
for (let seed = 1; seed <= histories; seed++) {
  const breach = await playTelling(seed)
  if (breach === null) continue
  process.stdout.write(`history ${seed} breaks a law: ${breach}\n`)
  process.exitCode = 1
  break
}
