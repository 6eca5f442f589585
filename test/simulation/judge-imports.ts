import { judgeHistories } from '../support/judge-histories.ts'
import { playImports } from './imports.ts'

await judgeHistories(playImports)
