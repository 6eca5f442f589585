import { emfMetrics } from '../../adapters/aws/emf-metrics.ts'
import { openLambdaLogger } from '../../adapters/aws/lambda-logger.ts'
import { openS3ObjectStore } from '../../adapters/s3/object-store.ts'
import { openAthenaBatchQuery } from '../../adapters/sql/athena-batch-query.ts'
import type { Lateness } from '../../core/lateness.ts'
import type { BatchQuery } from '../../ports/batch-query.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { metricsNamespace } from './namespace.ts'
import { variable } from './variables.ts'

/** Standard output becomes the function's log group. */
const write = (line: string) => void process.stdout.write(line)

export const { logger, middleware: callLogged } = openLambdaLogger()

/** Length of the stage's arrival slots. */
export const slotMs = () => Number(variable('LANDCOVER_SLOT_MS'))
/** Allowed lateness of the stage, which was checked when its stack was made. */
export const lateness = () => JSON.parse(variable('LANDCOVER_LATENESS')) as Lateness
/** Settings of time that all functions of the stage share. */
export const timing = () => ({ slotMs: slotMs(), lateness: lateness() })
/** Metrics of the stage, which go to the function's log. */
export const stageMetrics = () => emfMetrics(write, { namespace: metricsNamespace(variable('LANDCOVER_STAGE')) })
/** Query engine of the stage: Athena. */
export const openQuery = (): BatchQuery =>
  openAthenaBatchQuery({ workGroup: variable('LANDCOVER_WORK_GROUP'), database: variable('LANDCOVER_DATABASE') })
/** Object store of the stage: its bucket. */
export const openObjects = (): ObjectStore => openS3ObjectStore({ bucket: variable('LANDCOVER_BUCKET') })
