import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Folder of the modules that Node has compiled: a process starts in half the time when another has loaded the same
 * before. Node compares the source of each module with what was compiled, so that a changed module is never taken from it.
 */
export const NODE_COMPILE_CACHE = join(tmpdir(), 'landcover-compile-cache')
