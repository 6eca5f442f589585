import { describe, expect, it } from 'vitest'
import { simulate } from '../simulation/process.ts'

const HISTORIES = 400

describe('the system', () => {
  it(`breaks no law in ${HISTORIES} random histories`, { timeout: 120_000 }, async () => {
    const { exitCode, output } = await simulate(['--histories', `${HISTORIES}`, '--batch-in', '20'])
    expect(output).toContain('no law broken')
    expect(exitCode).toBe(0)
  })
})
