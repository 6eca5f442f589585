import { defineConfig } from 'vitest/config'

/**
 * `npm test` runs everything but the engines: real Kafka and Cassandra servers take minutes, and Java. They are a
 * project of their own: `npm run test:engines`.
 */

const HARD_TIMEOUT_MS = 120_000

export default defineConfig({
  test: {
    // Tests of real processes wait more than they work, so there may be more of them than cores.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/engines/**', 'test/process/**', 'test/cli/**', 'test/laws/real-tiles.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'processes',
          include: ['test/process/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/laws/real-tiles.test.ts'],
          globalSetup: ['test/support/built-dashboard.ts'],
          testTimeout: HARD_TIMEOUT_MS,
          hookTimeout: HARD_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: 'engines',
          include: ['test/engines/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: HARD_TIMEOUT_MS,
          hookTimeout: 2 * HARD_TIMEOUT_MS,
        },
      },
    ],
  },
})
