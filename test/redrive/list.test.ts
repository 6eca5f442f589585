import { expect, it } from 'vitest'
import { toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'

import { openSystem, wetland } from './system.ts'

it('a list of the quarantine shows the number of entries, the first and last time, and a place for each reason', async () => {
  const system = await openSystem()
  await system.send(wetland('a'), wireEvent({ ndvi_mean: 7 }))
  await system.pass(HOUR_MS)
  await system.send(wetland('b'))
  const lane = (await system.log.lanes())[0]?.name as string
  const none = { bad: 0, ready: 0, redriven: 0, uncertain: 0 }
  expect(await system.list()).toEqual(
    new Map([
      [
        'unknown-class',
        {
          standings: { ...none, bad: 2 },
          firstArrivalMs: NOON_MS,
          lastArrivalMs: NOON_MS + HOUR_MS,
          example: { lane, position: toPosition(1), line: 1 },
        },
      ],
      [
        'invalid-event',
        {
          standings: { ...none, bad: 1 },
          firstArrivalMs: NOON_MS,
          lastArrivalMs: NOON_MS,
          example: { lane, position: toPosition(1), line: 2 },
        },
      ],
    ]),
  )
})

it('a detailed list of the quarantine shows the place, the reason and the beginning of each entry as safe text', async () => {
  const system = await openSystem()
  const lane = (await system.log.lanes())[0]?.name as string
  const data = Buffer.concat([Buffer.from('\u001b[31mred\u202e\r'), Buffer.from([0xff]), Buffer.alloc(500, 'x')])
  await system.log.append([{ lane, data }])
  await system.settle()
  const [entry, ...others] = await system.detailed()
  expect(others).toEqual([])
  expect(entry).toMatchObject({
    lane,
    position: toPosition(1),
    line: 0,
    reason: 'not-utf8',
    standing: 'bad',
    length: 513,
  })
  expect(entry?.beginning).toBe(`\\x1b[31mred\\xe2\\x80\\xae\\x0d\\xff${'x'.repeat(107)}`)
})
