import { benchDelay } from './delay.ts'
import { benchHandler } from './handler.ts'

await benchHandler()
await benchDelay()
