import { expect, it } from 'vitest'
import { archiveHandler } from '../../functions/archive/handler.ts'
import { DEFAULT_LATENESS } from '../../functions/core/lateness.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import { CLASSES, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'

const STREAM = 'stream'
const image = (changes = {}) => JSON.stringify(wireEvent(changes))

it('the archive measures the result of a delivery, and its age', async () => {
  const { pipeline, lane, clock, append, archive } = await openOneLane({ slotMs: HOUR_MS })
  const early = append(`${image()}\n${image()}`)
  clock.nowMs += HOUR_MS
  const records = [early, append(image()), append(image({ class_name: 'Moon' }))]
  clock.nowMs += 250
  expect(await archive(records)).toEqual({ batchItemFailures: [] })
  expect(pipeline.metrics.measured).toEqual([
    {
      consumer: 'archive',
      lane,
      values: { records: 3, files: 2, events: 3, deliveriesGivenBack: 0, iteratorAgeMs: 250 },
    },
  ])
  expect(pipeline.logger.lines).toEqual([])
})

it('the archive gives back a delivery that it cannot write, and reports that', async () => {
  const { pipeline, lane, clock, append } = await openOneLane({ slotMs: HOUR_MS })
  const { objects, logger, metrics } = pipeline
  const full = { ...objects, put: () => Promise.reject(new Error('the disk is full')) }
  const now = () => clock.nowMs
  const classes = async () => CLASSES
  const handler = archiveHandler({
    objects: full,
    slotMs: HOUR_MS,
    lateness: DEFAULT_LATENESS,
    classes,
    streamIdentity: STREAM,
    logger,
    metrics,
    now,
  })
  const records = [append(image()), append(image())]
  expect((await handler(kinesisEvent(STREAM, records))).batchItemFailures).toEqual([{ itemIdentifier: '1' }])
  expect(logger.lines).toEqual([
    { message: 'archive: delivery given back', fields: { lane, records: 2, error: 'Error: the disk is full' } },
  ])
  expect(metrics.measured).toEqual([
    { consumer: 'archive', lane, values: { deliveriesGivenBack: 1, iteratorAgeMs: 0 } },
  ])
})
