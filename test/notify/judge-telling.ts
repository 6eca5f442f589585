import { judgeHistories } from '../support/judge-histories.ts'
import { playTelling } from './histories.ts'

await judgeHistories(playTelling)
