import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Plugin } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The deployed functions: each is one file of functions/homes/aws. With it go the files of data/ that it reads. */
export const FUNCTIONS = {
  speed: ['classes.csv'],
  archive: ['classes.csv'],
  heartbeat: [],
  batch: ['sql/totals.sql', 'sql/content.sql'],
  compaction: [],
  serving: ['classes.csv'],
  ingest: ['classes.csv'],
} as const satisfies Record<string, readonly string[]>
export type FunctionName = keyof typeof FUNCTIONS

/** Which of functions/homes/aws/log-*.ts the functions have: `#log` in package.json. */
export type LogKind = 'kinesis' | 'kafka'

export const BUNDLES = join(ROOT, 'infra/dist')

/** Where the bundle of a function lies: a folder with `index.mjs`. */
export function bundleOf(name: FunctionName, folder: string = BUNDLES): string {
  return join(folder, name)
}

/** Size of a bundle's code, compressed, bytes: each file by itself, as in a zip file. */
export function zippedBytes(bundle: string): number {
  const files = readdirSync(bundle).filter(file => file.endsWith('.mjs'))
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(join(bundle, file))).byteLength, 0)
}

/** Packages of CommonJS ask for `require`, which a module has not. */
const BANNER = "import{createRequire as __require}from'node:module';const require=__require(import.meta.url);"

/**
 * Makes all bundles anew. What a function needs only sometimes, most of the ways to find credentials for example, is in
 * chunks beside its `index.mjs`, which so are not parsed at its start.
 *
 * @returns per function the packages that are in its bundle
 */
export async function buildBundles(log: LogKind, folder: string = BUNDLES): Promise<Record<FunctionName, string[]>> {
  rmSync(folder, { recursive: true, force: true })
  const names = Object.keys(FUNCTIONS) as FunctionName[]
  const packages = await Promise.all(names.map(async name => [name, await buildBundle(name, log, folder)] as const))
  return Object.fromEntries(packages) as Record<FunctionName, string[]>
}

/** The client of Kafka does not say that its parts may be left out where nothing is taken of them: consumers, Avro. */
const KAFKA = '@platformatic/kafka'
const WITHOUT_EFFECTS: Plugin = {
  name: 'without-effects',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /./ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === KAFKA || !(path === KAFKA || importer.includes(`node_modules/${KAFKA}/`))) return undefined
      const resolved = await resolve(path, { importer, resolveDir, kind, pluginData: KAFKA })
      return { ...resolved, sideEffects: false }
    })
  },
}

async function buildBundle(name: FunctionName, log: LogKind, folder: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [{ in: `functions/homes/aws/${name}.ts`, out: 'index' }],
    outdir: bundleOf(name, folder),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    conditions: ['module', log],
    minify: true,
    // Stacks of errors stay readable without source maps.
    keepNames: true,
    banner: { js: BANNER },
    logLevel: 'warning',
    metafile: true,
    // The client of Kafka reads a file beside it; this is the same with the file in it.
    alias: { '@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled' },
    plugins: [WITHOUT_EFFECTS],
  })
  for (const file of FUNCTIONS[name]) {
    const to = join(bundleOf(name, folder), 'data', file)
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(ROOT, 'data', file), to)
  }
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs))
  const found = inputs.flatMap(input => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? [])
  return [...new Set(found)].sort()
}
