import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CHROMIUM_FLAGS, chromiumProgram } from '../support/browser.ts'
import { runStart, urlOf } from '../support/landcover.ts'
import { median, printTable } from './report.ts'

/** Lighthouse is not a dependency of the project, because it is larger than most dependencies together. */
const LIGHTHOUSE = 'lighthouse@13.5.0'
const CATEGORIES = ['performance', 'accessibility', 'best-practices'] as const
const FLAGS = ['--headless=new', ...CHROMIUM_FLAGS].join(' ')
const ROUNDS = 3

interface Report {
  categories: Record<(typeof CATEGORIES)[number], { score: number }>
  audits: Record<'largest-contentful-paint' | 'total-blocking-time' | 'total-byte-weight', { numericValue: number }>
}

/** Runs Lighthouse on the dashboard of the demo, with a simulated slow phone and with a desktop. */
export async function benchPage(): Promise<void> {
  const program = chromiumProgram()
  if (!program) {
    console.log('\nThe page is skipped: Chromium was not found (apt-get install chromium)')
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'landcover-bench-'))
  const demo = runStart(['--port', '0', '--state', join(folder, 'state')])
  try {
    const url = await urlOf(demo)
    const rows = ['mobile', 'desktop'].map(device => {
      const reports = Array.from({ length: ROUNDS }, () => reportOf(url, device, join(folder, 'report.json'), program))
      const of = (value: (report: Report) => number) => median(reports.map(value))
      return {
        device,
        ...Object.fromEntries(CATEGORIES.map(name => [name, of(({ categories }) => categories[name].score * 100)])),
        'largest paint s': (of(({ audits }) => audits['largest-contentful-paint'].numericValue) / 1000).toFixed(1),
        'blocked ms': of(({ audits }) => audits['total-blocking-time'].numericValue).toFixed(0),
        'KB transferred': (of(({ audits }) => audits['total-byte-weight'].numericValue) / 1024).toFixed(0),
      }
    })
    printTable(`The dashboard by ${LIGHTHOUSE}, scores of 100`, rows)
  } finally {
    demo.child.kill('SIGINT')
    await demo.finished
    rmSync(folder, { recursive: true })
  }
}

function reportOf(url: string, device: string, file: string, program: string): Report {
  const { status, stderr } = spawnSync(
    'npm',
    [
      ...['exec', '--yes', `--package=${LIGHTHOUSE}`, '--', 'lighthouse', url, '--quiet'],
      ...['--output=json', `--output-path=${file}`, `--chrome-flags=${FLAGS}`],
      ...[`--only-categories=${CATEGORIES}`, ...(device === 'desktop' ? ['--preset=desktop'] : [])],
    ],
    { env: { ...process.env, CHROME_PATH: program }, encoding: 'utf8' },
  )
  if (status !== 0 || !existsSync(file)) throw new Error(`Lighthouse failed: ${stderr}`)
  return JSON.parse(readFileSync(file, 'utf8')) as Report
}

if (import.meta.main) await benchPage()
