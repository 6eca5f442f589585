import { defineConfig } from 'vitest/config'

/**
 * `npm test` runs everything but the engines: real Kafka, Cassandra and Trino servers take minutes, and Java. They are a
 * project of their own: `npm run test:engines`.
 */

const HARD_TIMEOUT_MS = 120_000
/** Contract suites of ports on real engines lie beside the others. */
const ON_ENGINES = 'test/contracts/*.{trino,athena}.test.ts'

export default defineConfig({
  test: {
    // Tests of real processes wait more than they work, so there may be more of them than cores.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/engines/**', ON_ENGINES, 'test/process/**', 'test/cli/**', 'test/laws/real-tiles.test.ts'],
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
          include: ['test/engines/**/*.test.ts', ON_ENGINES],
          fileParallelism: false,
          testTimeout: HARD_TIMEOUT_MS,
          hookTimeout: 2 * HARD_TIMEOUT_MS,
        },
      },
    ],
  },
})
