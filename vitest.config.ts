import { defineConfig } from 'vitest/config'
import { NODE_COMPILE_CACHE } from './test/support/compile-cache.ts'

/**
 * One project for each suite of CONTRIBUTING.md. `npm test` runs `parts`: all that runs within the test's own process, on
 * real SQLite, DuckDB and files. `npm run test:processes` starts programs, kills them and fills their disk,
 * `npm run test:infra` makes the stacks and bundles, `npm run test:browser` opens the dashboard in a Chromium,
 * `npm run test:engines` starts Kafka, Cassandra and Trino (Java), `npm run test:localstack` LocalStack (Python 3.12), and
 * `npm run test:planted` proves that tests notice planted bugs.
 */

// For the workers, and for the programs that tests start.
process.env.NODE_COMPILE_CACHE ??= NODE_COMPILE_CACHE

/** A safety net for what waits without end. It must hold on a machine with ten times as much to do. */
const HARD_TIMEOUT_MS = 300_000
/** The same for what runs at the lowest priority beside other suites. */
const LOWEST_PRIORITY_TIMEOUT_MS = 3_600_000
/** Contract suites of ports on real engines lie beside the others. */
const ON_ENGINES = 'test/contracts/*.{trino,athena}.test.ts'
const ON_LOCALSTACK = 'test/contracts/*.s3.test.ts'
/** Each starts many programs with a planted bug. */
const PLANTED = ['test/simulation/**/*.test.ts', 'test/*/planted.test.ts']

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
            ...PLANTED,
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
        test: { name: 'planted', include: PLANTED, maxConcurrency: 2, testTimeout: LOWEST_PRIORITY_TIMEOUT_MS },
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
