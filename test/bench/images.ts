import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { median, printTable } from './report.ts'

/**
 * Benchmark of `npm run observe` against Python: the same files, the same numbers, in the same run. It needs an
 * interpreter with images-requirements.txt of this folder, which PYTHON names. Set SIDE, FIELDS, CHIPS and RUNS for other
 * sizes: a whole scene of Sentinel-2 has a side of 10,980.
 */

const { PYTHON = 'python3', SIDE = '5490', FIELDS = '5000', CHIPS = '1000', RUNS = '3' } = process.env
const SCRIPT = join(import.meta.dirname, 'images.py')
const OBSERVE = join(import.meta.dirname, '../../functions/cli/observe.ts')

/** CPU time and memory that a process used. */
interface Used {
  cpuSeconds: number
  megabytes: number
}

/** Reason why Python cannot be compared with; null if it can. */
export function withoutRasterio(): string | null {
  try {
    execFileSync(PYTHON, ['-c', 'import rasterio, exactextract, skimage'], { stdio: 'ignore' })
    return null
  } catch {
    return `${PYTHON} has no rasterio, exactextract and scikit-image: set PYTHON to one that has test/bench/images-requirements.txt installed`
  }
}

/** Measures the CPU and memory of observing a scene and chips, as ratios to Python. */
export function benchImages(): void {
  const folder = mkdtempSync(join(tmpdir(), 'landcover-bench-images-'))
  const file = (name: string) => join(folder, name)
  try {
    python('make', folder, SIDE, FIELDS, CHIPS)
    const scene = [file('item.json'), '--sites', file('fields.geojson')]
    const rows = [
      compare('scene and fields', 'sites', scene),
      compare('chips', 'chips', [file('chips')]),
      compare('chips with texture', 'texture', [file('chips'), '--texture']),
    ]
    printTable(`Images: ${FIELDS} fields on ${SIDE}² pixels, ${CHIPS} chips; median of ${RUNS}`, rows)
  } finally {
    rmSync(folder, { recursive: true })
  }

  function compare(name: string, what: string, flags: string[]): object {
    const [theirs, ours]: [Used[], Used[]] = [[], []]
    for (let run = 0; run < Number(RUNS); run++) {
      theirs.push(python(what, folder, file('theirs.csv')))
      ours.push(observe([...flags, '--out', file('ours.csv')]))
    }
    const ratio = (of: (used: Used) => number, digits: number) =>
      (median(theirs.map(of)) / median(ours.map(of))).toFixed(digits)
    return {
      case: name,
      'CPU of Python / ours': ratio(({ cpuSeconds }) => cpuSeconds, 1),
      'memory of Python / ours': ratio(({ megabytes }) => megabytes, 1),
      'ours, MB': Math.round(median(ours.map(({ megabytes }) => megabytes))),
      'largest difference of NDVI': differenceOf(file('theirs.csv'), file('ours.csv')).toExponential(1),
    }
  }
}

function python(...args: string[]): Used {
  const said = execFileSync(PYTHON, ['-W', 'ignore', SCRIPT, ...args], { encoding: 'utf8' })
  return JSON.parse(said.trim().split('\n').at(-1) as string) as Used
}

/** Prints what a process of ours used, when it ends. */
const TELL = `data:text/javascript,${encodeURIComponent(`process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  const used = { cpuSeconds: (user + system) / 1e6, megabytes: process.resourceUsage().maxRSS / 1024 }
  process.stdout.write(JSON.stringify(used) + '\\n')
})`)}`

function observe(flags: string[]): Used {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', TELL, OBSERVE, ...flags], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`observe ended with ${status}: ${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as Used
}

/** Largest difference of the mean NDVI of a field or chip. @throws Error when the files have others */
function differenceOf(theirs: string, ours: string): number {
  const read = (path: string) => parse(readFileSync(path), { columns: true }) as Record<string, string>[]
  const keyOf = (row: Record<string, string>) => (row.site_id || row.image_id) as string
  const known = new Map(read(theirs).map(row => [keyOf(row), Number(row.ndvi_mean)]))
  let largest = 0
  for (const row of read(ours)) {
    const difference = Math.abs(Number(row.ndvi_mean) - (known.get(keyOf(row)) ?? Number.NaN))
    if (Number.isNaN(difference)) throw new Error(`${keyOf(row)} was measured by one of the two only`)
    largest = Math.max(largest, difference)
  }
  return largest
}

if (import.meta.main) {
  const missing = withoutRasterio()
  if (missing) console.log(`The comparison with Python is skipped: ${missing}`)
  else benchImages()
}
