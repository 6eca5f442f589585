import type { ClockReading } from '../../functions/core/arrival-clock.ts'

/** The clocks of a machine whose wall clock nobody sets. */
export function steadyClocks(now: () => number): () => ClockReading {
  return () => ({ wallMs: now(), upMs: now(), boot: 'the only one' })
}
