import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Plugin } from 'esbuild'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Deployed functions. Each is one file in functions/runtime/aws, listed with the files of data/ that it reads. */
export const FUNCTIONS = {
  speed: ['classes.csv'],
  archive: ['classes.csv'],
  heartbeat: [],
  batch: ['sql/events.sql', 'sql/totals.sql', 'sql/looks.sql', 'sql/content.sql'],
  compaction: [],
  serving: ['classes.csv'],
  ingest: ['classes.csv'],
  decisions: [],
  notify: [],
  images: ['classes.csv'],
} as const satisfies Record<string, readonly string[]>
/** Name of a Lambda function of a stage. */
export type FunctionName = keyof typeof FUNCTIONS

/** Functions that a stage deploys: without scenes it needs none that observes them. */
export function functionsOf({ images }: { images: unknown }): FunctionName[] {
  return (Object.keys(FUNCTIONS) as FunctionName[]).filter(name => name !== 'images' || images !== null)
}

/** Kind of log: chooses functions/runtime/aws/log-*.ts through `#log` in package.json. */
export type LogKind = 'kinesis' | 'kafka'

export const BUNDLES = join(ROOT, 'infra/dist')

/** Folder of a function's bundle. It contains `index.mjs`. */
export function bundleOf(name: FunctionName, folder: string = BUNDLES): string {
  return join(folder, name)
}

/** Compressed size of a bundle's code, bytes. Each file is compressed by itself, as in a zip file. */
export function zippedBytes(bundle: string): number {
  const files = readdirSync(bundle).filter(file => file.endsWith('.mjs'))
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(join(bundle, file))).byteLength, 0)
}

/** Defines `require`, which CommonJS packages use and ES modules do not have. */
const BANNER = "import{createRequire as __require}from'node:module';const require=__require(import.meta.url);"

/**
 * Builds all bundles from the beginning. Code that a function rarely needs, such as most credential providers, is in
 * separate chunks beside `index.mjs`, so it is not parsed at the start of the function.
 *
 * @returns packages in the bundle of each function
 */
export async function buildBundles(log: LogKind, folder: string = BUNDLES): Promise<Record<FunctionName, string[]>> {
  rmSync(folder, { recursive: true, force: true })
  const names = Object.keys(FUNCTIONS) as FunctionName[]
  const packages = await Promise.all(names.map(async name => [name, await buildBundle(name, log, folder)] as const))
  return Object.fromEntries(packages) as Record<FunctionName, string[]>
}

/** Lets esbuild drop unused modules of the Kafka client (consumers, Avro). Its package does not declare `sideEffects`. */
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

/** Leaves out adm-zip: Cassandra's driver needs it only for a file of DataStax Astra, which we never give it. */
const WITHOUT_ASTRA: Plugin = {
  name: 'without-astra',
  setup({ onLoad }) {
    onLoad({ filter: /node_modules\/adm-zip\// }, () => ({ contents: 'module.exports = undefined' }))
  },
}

/** Projections of the systems in functions/images/sites/projection.ts, beside `longlat` and `merc`, which are built in. */
export const PROJECTIONS = ['utm', 'etmerc', 'tmerc', 'stere', 'lcc', 'laea', 'aea', 'cea'] as const

/** Leaves out of proj4 what no function uses: other projections, and parsers of grid references and of WKT. */
const FEW_PROJECTIONS: Plugin = {
  name: 'few-projections',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /proj4[/\\]projs\.js$/ }, () => ({
      contents: [
        ...PROJECTIONS.map(name => `import ${name} from './lib/projections/${name}'`),
        `export default proj4 => { for (const each of [${PROJECTIONS.join()}]) proj4.Proj.projections.add(each) }`,
      ].join('\n'),
    }))
    onResolve({ filter: /^(mgrs|wkt-parser)$/ }, ({ path }) => ({ path, namespace: 'left-out' }))
    onLoad({ filter: /./, namespace: 'left-out' }, ({ path }) => ({
      contents: [
        `const leftOut = () => { throw new Error('${path} is not in this bundle') }`,
        'export { leftOut as default, leftOut as forward, leftOut as toPoint }',
      ].join('\n'),
    }))
  },
}

async function buildBundle(name: FunctionName, log: LogKind, folder: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [{ in: `functions/runtime/aws/${name}.ts`, out: 'index' }],
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
    // Stack traces stay readable without source maps.
    keepNames: true,
    banner: { js: BANNER },
    logLevel: 'warning',
    metafile: true,
    // The Kafka client reads a file at run time. This variant of the package includes the file.
    alias: { '@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled' },
    plugins: [WITHOUT_EFFECTS, WITHOUT_ASTRA, FEW_PROJECTIONS],
  })
  // The decoder of LERC reads its code from beside the bundle when it first meets such a file.
  if (name === 'images') {
    cpSync(join(ROOT, 'node_modules/lerc/lerc-wasm.wasm'), join(bundleOf(name, folder), 'lerc-wasm.wasm'))
  }
  for (const file of FUNCTIONS[name]) {
    const to = join(bundleOf(name, folder), 'data', file)
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(ROOT, 'data', file), to)
  }
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs))
  const found = inputs.flatMap(input => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? [])
  return [...new Set(found)].sort()
}
