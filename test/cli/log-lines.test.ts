import { expect, it } from 'vitest'
import { type LogLevel, linesFrom } from '../../functions/cli/log-lines.ts'

const LINES = ['debug', 'info', 'warn', 'another'].map(level => `${JSON.stringify({ level, message: 'm' })}\n`)

it.each<[LogLevel, string[]]>([
  ['debug', LINES],
  ['info', LINES.slice(1)],
  ['warn', LINES.slice(2)],
])('lines from level %s are written, and those of an unknown one', (level, expected) => {
  const written: string[] = []
  const write = linesFrom(level, line => written.push(line))
  LINES.forEach(write)
  expect(written).toEqual(expected)
})
