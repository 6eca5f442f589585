import { describe, expect, it } from 'vitest'
import { jsonLogger } from '../../functions/adapters/json-logger.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import { NOON_MS } from '../support/factories.ts'

function open() {
  const lines: Record<string, unknown>[] = []
  const clock = { ms: NOON_MS }
  const logger = jsonLogger(
    line => lines.push(JSON.parse(line)),
    () => clock.ms,
  )
  return { lines, clock, logger }
}

describe('a warning', () => {
  it('is a line of JSON with its time and fields', () => {
    const { lines, logger } = open()
    logger.warn('no room', { lane: 'a' })
    expect(lines).toEqual([{ time: new Date(NOON_MS).toISOString(), level: 'warn', message: 'no room', lane: 'a' }])
  })

  it('that is repeated within a minute is counted, and written with the count after the minute', () => {
    const { lines, clock, logger } = open()
    for (const atMs of [0, 1, MINUTE_MS - 1]) {
      clock.ms = NOON_MS + atMs
      logger.warn('no room', { lane: 'a' })
    }
    expect(lines).toHaveLength(1)
    clock.ms = NOON_MS + MINUTE_MS
    logger.warn('no room', { lane: 'a' })
    logger.warn('no room', { lane: 'a' })
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatchObject({ message: 'no room', lane: 'a', repeated: 2 })
    clock.ms += MINUTE_MS
    logger.warn('no room', { lane: 'a' })
    expect(lines[2]).toMatchObject({ repeated: 1 })
    clock.ms += MINUTE_MS
    logger.warn('no room', { lane: 'a' })
    expect(lines[3]).not.toHaveProperty('repeated')
  })

  it('with another message or other fields is written separately', () => {
    const { lines, logger } = open()
    logger.warn('no room', { lane: 'a' })
    logger.warn('no room', { lane: 'b' })
    logger.warn('no light', { lane: 'a' })
    expect(lines).toHaveLength(3)
  })

  it('is written when the clock was set back in the meantime', () => {
    const { lines, clock, logger } = open()
    logger.warn('no room')
    clock.ms -= 1
    logger.warn('no room')
    expect(lines).toHaveLength(2)
  })

  it('does not keep many other warnings in memory', () => {
    const { lines, logger } = open()
    for (let n = 0; n < 201; n++) logger.warn('no room', { n })
    logger.warn('no room', { n: 200 })
    logger.warn('no room', { n: 1 })
    expect(lines).toHaveLength(201)
    logger.warn('no room', { n: 0 })
    expect(lines).toHaveLength(202)
  })
})

it('information is written each time', () => {
  const { lines, logger } = open()
  logger.info('started')
  logger.info('started')
  expect(lines).toHaveLength(2)
})
