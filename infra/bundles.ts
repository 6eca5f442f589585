import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

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

export const BUNDLES = join(ROOT, 'infra/dist')

/** Where the bundle of a function lies: a folder with `index.mjs`. */
export function bundleOf(name: FunctionName, folder: string = BUNDLES): string {
  return join(folder, name)
}

/** Packages of CommonJS ask for `require`, which a module has not. */
const BANNER = "import{createRequire as __require}from'node:module';const require=__require(import.meta.url);"

/**
 * Makes all bundles anew. What a function needs only sometimes, most of the ways to find credentials for example, is in
 * chunks beside its `index.mjs`, which so are not parsed at its start.
 *
 * @returns per function the packages that are in its bundle
 */
export async function buildBundles(folder: string = BUNDLES): Promise<Record<FunctionName, string[]>> {
  rmSync(folder, { recursive: true, force: true })
  const names = Object.keys(FUNCTIONS) as FunctionName[]
  const packages = await Promise.all(names.map(async name => [name, await buildBundle(name, folder)] as const))
  return Object.fromEntries(packages) as Record<FunctionName, string[]>
}

async function buildBundle(name: FunctionName, folder: string): Promise<string[]> {
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
    minify: true,
    // Stacks of errors stay readable without source maps.
    keepNames: true,
    banner: { js: BANNER },
    logLevel: 'warning',
    metafile: true,
    // The client of Kafka reads a file beside it; this is the same with the file in it.
    alias: { '@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled' },
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
