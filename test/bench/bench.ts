import { javaMissing } from '../engines/java.ts'
import { benchBundles } from './bundles.ts'
import { benchDelay } from './delay.ts'
import { benchEngines } from './engines.ts'
import { benchHandler } from './handler.ts'
import { benchImages, withoutRasterio } from './images.ts'
import { benchPage } from './page.ts'
import { benchServing } from './serving.ts'

await benchBundles()
await benchHandler()
await benchDelay()
await benchServing()
await benchPage()
const lacking = withoutRasterio()
if (lacking) console.log(`\nImages are skipped: ${lacking}`)
else benchImages()
const missing = javaMissing()
if (missing) console.log(`\nKafka and Cassandra are skipped: ${missing}`)
else await benchEngines()
