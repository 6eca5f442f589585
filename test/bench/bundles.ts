import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  buildBundles,
  bundleOf,
  FUNCTIONS,
  type FunctionName,
  type LogKind,
  zippedBytes,
} from '../../infra/constructs/bundles.ts'
import { printTable, quantile } from './report.ts'

const TIMES = 20
const LOGS: readonly LogKind[] = ['kinesis', 'kafka']

/** Measures the size of the deployed bundles, and the time to load each one in its own process. */
export async function benchBundles(): Promise<void> {
  const folder = join(mkdtempSync(join(tmpdir(), 'landcover-bundles-')), 'dist')
  const rows: object[] = []
  for (const log of LOGS) {
    await buildBundles(log, folder)
    const unbundled = loadMs(import.meta.resolve('@aws-sdk/client-s3'))
    for (const name of Object.keys(FUNCTIONS) as FunctionName[]) {
      const bundle = bundleOf(name, folder)
      const p50 = loadMs(join(bundle, 'index.mjs'))
      rows.push({
        log,
        function: name,
        'KB zipped': Math.round(zippedBytes(bundle) / 1024),
        'import, p50 of 20, ms': Math.round(p50),
        'of @aws-sdk/client-s3 unbundled': (p50 / unbundled).toFixed(2),
      })
    }
  }
  rmSync(folder, { recursive: true })
  printTable('Deployed bundles', rows)
}

function loadMs(module: string): number {
  const program = `const start = performance.now(); await import(${JSON.stringify(module)}); console.log(performance.now() - start); process.exit()`
  const times = Array.from({ length: TIMES }, () => {
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    return Number(stdout)
  })
  return quantile(times, 0.5)
}

if (import.meta.main) await benchBundles()
