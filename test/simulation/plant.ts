import { registerHooks } from 'node:module'
import { PLANTED_APPEND_BUGS, PLANTED_BATCH_BUGS } from './planted-batch-bugs.ts'
import { PLANTED_BUGS, withBug } from './planted-bugs.ts'
import { PLANTED_FILE_BUGS } from './planted-file-bugs.ts'
import { PLANTED_IMAGE_BUGS } from './planted-image-bugs.ts'
import { PLANTED_IMPORT_BUGS } from './planted-import-bugs.ts'
import { PLANTED_NOTIFY_BUGS } from './planted-notify-bugs.ts'
import { PLANTED_RULE_BUGS } from './planted-rule-bugs.ts'

/** Loaded before the simulation or another judge (`node --import`): changes the source of one file as PLANTED_BUG says. */
const bugs = [
  ...PLANTED_BUGS,
  ...PLANTED_BATCH_BUGS,
  ...PLANTED_APPEND_BUGS,
  ...PLANTED_FILE_BUGS,
  ...PLANTED_IMAGE_BUGS,
  ...PLANTED_IMPORT_BUGS,
  ...PLANTED_RULE_BUGS,
  ...PLANTED_NOTIFY_BUGS,
]
const bug = bugs.find(({ name }) => name === process.env.PLANTED_BUG)
if (!bug) throw new Error(`there is no planted bug '${process.env.PLANTED_BUG}'`)

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.endsWith(`/${bug.file}`)) return loaded
    return { ...loaded, source: withBug(bug, String(loaded.source)) }
  },
})
