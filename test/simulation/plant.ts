import { registerHooks } from 'node:module'
import { PLANTED_BATCH_BUGS, PLANTED_BUGS } from './planted-bugs.ts'

/** Loaded before the simulation (`node --import`): changes the source of one file as PLANTED_BUG names. */
const bug = [...PLANTED_BUGS, ...PLANTED_BATCH_BUGS].find(({ name }) => name === process.env.PLANTED_BUG)
if (!bug) throw new Error(`there is no planted bug '${process.env.PLANTED_BUG}'`)
const { name, file, edits } = bug

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.endsWith(`/${file}`)) return loaded
    const source = edits.reduce((text, [find, replacement]) => {
      const parts = text.split(find)
      if (parts.length !== 2) throw new Error(`planted bug '${name}': ${file} has its place ${parts.length - 1} times`)
      return parts.join(replacement)
    }, String(loaded.source))
    return { ...loaded, source }
  },
})
