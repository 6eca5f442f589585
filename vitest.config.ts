import { defineConfig } from 'vitest/config'
import { NODE_COMPILE_CACHE } from './test/support/compile-cache.ts'

/**
 * `npm test` runs everything but what takes many minutes, or more than Node: the dashboard in a Chromium
 * (`npm run test:browser`), real Kafka, Cassandra and Trino servers, which need Java (`npm run test:engines`),
 * LocalStack, which needs Python 3.12 (`npm run test:localstack`), and the proof that the simulation notices bugs
 * (`npm run test:planted`).
 */

// For the workers, and for the programs that tests start.
process.env.NODE_COMPILE_CACHE ??= NODE_COMPILE_CACHE

/** A safety net for what waits without end. It must hold on a machine with ten times as much to do. */
const HARD_TIMEOUT_MS = 300_000
/** Contract suites of ports on real engines lie beside the others. */
const ON_ENGINES = 'test/contracts/*.{trino,athena}.test.ts'
const ON_LOCALSTACK = 'test/contracts/*.s3.test.ts'

/** Compares with what other programs computed, from files that the repository does not hold: run only where they are named. */
const CASES = process.env.LANDCOVER_CASES ? [] : ['test/*/cases.test.ts']

export default defineConfig({
  test: {
    // Tests of real processes wait more than they work, so there may be more of them than cores.
    maxWorkers: 3,
    // `npm run coverage` prints what the fast tests reach. It is no gate: a line that was run may still be wrong.
    coverage: { provider: 'v8', include: ['functions/**/*.ts', 'web/**/*.ts'], reporter: ['text'] },
    projects: [
      {
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/engines/**',
            ON_ENGINES,
            'test/localstack/**',
            ON_LOCALSTACK,
            'test/simulation/**',
            'test/process/**',
            'test/browser/**',
            'test/cli/**',
            'test/infra/**',
            'test/laws/real-tiles.test.ts',
            ...CASES,
          ],
          testTimeout: HARD_TIMEOUT_MS,
          hookTimeout: HARD_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: 'processes',
          include: ['test/{process,cli}/**/*.test.ts', 'test/laws/real-tiles.test.ts'],
          globalSetup: ['test/support/built-dashboard.ts'],
          testTimeout: HARD_TIMEOUT_MS,
          hookTimeout: HARD_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: 'infra',
          include: ['test/infra/**/*.test.ts'],
          globalSetup: ['test/support/built-dashboard.ts', 'test/infra/start-synthesis.ts'],
          testTimeout: HARD_TIMEOUT_MS,
          // Hooks wait for a process that tells its end.
          hookTimeout: 3 * HARD_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/support/built-dashboard.ts'],
          testTimeout: HARD_TIMEOUT_MS,
          hookTimeout: HARD_TIMEOUT_MS,
        },
      },
      {
        test: { name: 'planted', include: ['test/simulation/**/*.test.ts'], maxConcurrency: 2 },
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
      {
        test: {
          name: 'localstack',
          include: ['test/localstack/**/*.test.ts', ON_LOCALSTACK],
          fileParallelism: false,
          testTimeout: HARD_TIMEOUT_MS,
          hookTimeout: 2 * HARD_TIMEOUT_MS,
        },
      },
    ],
  },
})
