import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { parseSync } from 'vite'
import { describe, expect, it } from 'vitest'
import { sourcesIn } from './support/sources.ts'

/** Import of a file. */
interface Import {
  file: string
  /** A path below the root for the project's own files, otherwise the package's name or the builtin's. */
  target: string
  typeOnly: boolean
}

/** Modules of Node that the core may use: pure functions of bytes. */
const PURE_BUILTINS = ['node:buffer', 'node:zlib']

/** Only a checksum: the rest of the module is random. */
const PURE_EXCEPTIONS = [{ file: 'functions/core/kinesis-aggregation.ts', target: 'node:crypto' }]

/** Packages that only `functions/adapters` imports, so that a runtime loads just what it uses. */
const SDKS = [
  /^node:sqlite$/,
  /^@duckdb\//,
  /^@platformatic\//,
  /^cassandra-driver$/,
  /^nodemailer$/,
  /^prom-client$/,
  /^@aws-sdk\//,
  /^@aws-lambda-powertools\//,
]

/** The lock of a state folder is a SQLite lock. */
const SDK_EXCEPTIONS = [{ file: 'functions/runtime/local/state.ts', target: 'node:sqlite' }]

/** Folders of the handlers and the work behind them. */
const LAYERS = ['images', 'ingest', 'files', 'redrive', 'speed', 'archive', 'batch', 'serving', 'notify', 'decisions']

/** Folders that a layer must not know: where it runs, and on which technology. */
const RUNTIMES = /^functions\/(adapters|runtime|cli)\//

const RULES: { name: string; breaks(from: Import): boolean }[] = [
  {
    name: 'core imports core and a few pure builtins',
    breaks: ({ file, target }) =>
      isIn(file, 'functions/core') &&
      !isIn(target, 'functions/core') &&
      !PURE_BUILTINS.includes(target) &&
      !PURE_EXCEPTIONS.some(exception => exception.file === file && exception.target === target),
  },
  {
    name: "the shapes of Lambda's events need the core only",
    breaks: ({ file, target }) =>
      isIn(file, 'functions/lambda') &&
      isOwn(target) &&
      !['lambda', 'core'].some(folder => isIn(target, `functions/${folder}`)),
  },
  {
    name: 'ports import types of the core, and other ports',
    breaks: ({ file, target, typeOnly }) =>
      isIn(file, 'functions/ports') &&
      !isIn(target, 'functions/ports') &&
      !(isIn(target, 'functions/core') && (typeOnly || isConstant(target))),
  },
  {
    name: 'adapters import ports, core and each other, and nothing else of the project',
    breaks: ({ file, target }) =>
      isIn(file, 'functions/adapters') &&
      isOwn(target) &&
      !['adapters', 'ports', 'core'].some(folder => isIn(target, `functions/${folder}`)),
  },
  {
    name: 'an SDK is imported by adapters only',
    breaks: ({ file, target }) =>
      SDKS.some(sdk => sdk.test(target)) &&
      isIn(file, 'functions') &&
      !isIn(file, 'functions/adapters') &&
      !SDK_EXCEPTIONS.some(exception => exception.file === file && exception.target === target),
  },
  {
    name: 'a layer imports no adapter and no runtime',
    breaks: ({ file, target }) => LAYERS.some(layer => isIn(file, `functions/${layer}`)) && RUNTIMES.test(target),
  },
  {
    name: 'only images know the libraries that read images',
    breaks: ({ file, target }) => /^(@cogeotiff\/|lerc$|proj4$|shpjs$)/.test(target) && !isIn(file, 'functions/images'),
  },
  {
    name: 'Parquet is a format, not a part of the system',
    breaks: ({ file, target }) =>
      isIn(file, 'functions/parquet') && isOwn(target) && !isIn(target, 'functions/parquet'),
  },
  {
    name: 'the dashboard imports nothing of functions but types of the API',
    breaks: ({ file, target, typeOnly }) =>
      isIn(file, 'web') &&
      isIn(target, 'functions') &&
      !(typeOnly && /^functions\/serving\/([a-z]+-)?schemas\.ts$/.test(target)),
  },
  {
    name: 'a folder of functions imports only floors below it',
    breaks({ file, target }) {
      const from = placeOf(file)
      const to = placeOf(target)
      return from.floor >= 0 && to.floor >= from.floor && to.folder !== from.folder
    },
  },
  {
    name: 'functions import nothing of the dashboard, the tests or the infrastructure',
    breaks: ({ file, target }) =>
      isIn(file, 'functions') && ['web', 'test', 'infra'].some(folder => isIn(target, folder)),
  },
]

/** Folders of functions from the bottom up. A file imports its own folder and the floors below. */
const FLOORS = [
  ['core', 'parquet', 'http'],
  ['ports', 'lambda'],
  ['adapters', 'archive', 'ingest'],
  ['files', 'images', 'redrive', 'speed', 'batch', 'decisions'],
  ['serving', 'evaluation', 'notify'],
  ['runtime/config'],
  ['runtime'],
  ['runtime/local', 'runtime/aws'],
  ['cli'],
].map(floor => floor.map(folder => `functions/${folder}`))

/** The folder of FLOORS that a file is in, and its floor: 0 is the lowest; -1 for files outside of functions. */
function placeOf(file: string): { folder: string; floor: number } {
  const holding = FLOORS.flat().filter(folder => isIn(file, folder))
  const folder = holding.sort((a, b) => b.length - a.length)[0] ?? ''
  return { folder, floor: FLOORS.findIndex(floor => floor.includes(folder)) }
}

/** Words for what the core must not do: look at a clock, roll dice, reach out. */
const IMPURE =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|process\.|setTimeout|setInterval|setImmediate|fetch\(|console\.|crypto\.)/

function isIn(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`)
}

function isOwn(target: string): boolean {
  return ['functions', 'data', 'test', 'web', 'infra'].some(folder => isIn(target, folder))
}

/** Numbers and names that ports may share with the core. */
function isConstant(target: string): boolean {
  return ['functions/core/time.ts', 'functions/core/lane.ts'].includes(target)
}

/** Every import of a source text: static, re-exported, dynamic, and in types. */
function importsOf(file: string, source: string): Import[] {
  const { module, errors, program } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`)
  const found: Import[] = []
  const add = (specifier: string, typeOnly: boolean) => found.push({ file, target: resolve(file, specifier), typeOnly })
  for (const { moduleRequest, entries } of module.staticImports) {
    add(moduleRequest.value, entries.length > 0 && entries.every(entry => entry.isType))
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, isType } of entries) if (moduleRequest) add(moduleRequest.value, isType)
  }
  for (const { moduleRequest } of module.dynamicImports) {
    add(unquoted(source.slice(moduleRequest.start, moduleRequest.end)), false)
  }
  JSON.stringify(program, (_, node: { type?: string; source?: { value?: string } } | null) => {
    if (node?.type === 'TSImportType' && node.source?.value !== undefined) add(node.source.value, true)
    return typeof node === 'bigint' ? null : node
  })
  return found
}

function unquoted(text: string): string {
  return /^(['"`])(.*)\1$/s.exec(text.trim())?.[2] ?? text
}

function resolve(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return join(dirname(file), specifier)
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`
  return specifier
}

function breaches(imports: readonly Import[]): string[] {
  return imports.flatMap(each =>
    RULES.filter(rule => rule.breaks(each)).map(({ name }) => `${each.file} imports ${each.target}: ${name}`),
  )
}

/** Files that import each other in a circle, types included: each circle once, as the path that was found. */
function cyclesIn(imports: readonly Pick<Import, 'file' | 'target'>[]): string[] {
  const targets = Map.groupBy(imports, ({ file }) => file)
  const done = new Set<string>()
  const cycles: string[] = []
  const follow = (file: string, path: readonly string[]) => {
    const seen = path.indexOf(file)
    if (seen >= 0) cycles.push([...path.slice(seen), file].join(' → '))
    if (seen >= 0 || done.has(file)) return
    for (const { target } of targets.get(file) ?? []) follow(target, [...path, file])
    done.add(file)
  }
  for (const file of targets.keys()) follow(file, [])
  return cycles
}

describe('imports point one way', () => {
  const sources = sourcesIn('functions', 'web', 'infra', 'data', 'test')
  const imports = sources.flatMap(({ file, source }) => importsOf(file, source))

  it('in every file', () => {
    expect(breaches(imports)).toEqual([])
  })

  it('and never in a circle, types included', () => {
    expect(cyclesIn(imports)).toEqual([])
  })

  it('so that a circle of two files, or of three with types only, is found', () => {
    const circle = (...files: string[]) =>
      files.flatMap((file, index) =>
        importsOf(`functions/batch/${file}`, `import type { A } from './${files[(index + 1) % files.length]}'`),
      )
    expect(cyclesIn(circle('view.ts', 'watch.ts'))).toHaveLength(1)
    expect(cyclesIn(circle('view.ts', 'watch.ts', 'run.ts'))).toEqual([
      'functions/batch/view.ts → functions/batch/watch.ts → functions/batch/run.ts → functions/batch/view.ts',
    ])
    expect(cyclesIn(circle('view.ts', 'watch.ts').slice(1))).toEqual([])
  })

  it('and every folder of functions has its floor', () => {
    expect(sources.map(({ file }) => file).filter(file => isIn(file, 'functions') && placeOf(file).floor < 0)).toEqual(
      [],
    )
  })

  it('and the rule sees the files and imports that there are', () => {
    expect(sources.length).toBeGreaterThan(60)
    for (const known of [
      { file: 'functions/speed/handler.ts', target: 'functions/lambda/decode-event.ts', typeOnly: false },
      { file: 'functions/lambda/decode-event.ts', target: 'aws-lambda', typeOnly: true },
      { file: 'functions/core/decompress.ts', target: 'node:zlib', typeOnly: false },
      { file: 'functions/adapters/sqlite/database.ts', target: 'node:sqlite', typeOnly: false },
      ...SDK_EXCEPTIONS.map(exception => ({ ...exception, typeOnly: false })),
    ]) {
      expect(imports).toContainEqual(known)
    }
  })

  it.each([
    ['functions/core/totals.ts', "import { readFileSync } from 'node:fs'"],
    ['functions/core/totals.ts', "import { readFileSync } from 'fs'"],
    ['functions/core/totals.ts', "import { randomUUID } from 'node:crypto'"],
    ['functions/core/totals.ts', "import type { Logger } from '../ports/logger.ts'"],
    ['functions/core/totals.ts', "import { z } from 'zod'"],
    ['functions/lambda/decode-event.ts', "import { applyDelivery } from '../speed/apply.ts'"],
    ['functions/core/record.ts', "import type { KinesisStreamEvent } from 'aws-lambda'"],
    ['functions/core/rules/index.ts', "export * from '../../speed/apply.ts'"],
    ['functions/core/record.ts', "const { open } = await import('node:fs/promises')"],
    ['functions/core/record.ts', "type Store = import('../ports/speed-store.ts').SpeedStore"],
    ['functions/ports/event-log.ts', "import { decodeRecord } from '../core/record.ts'"],
    ['functions/ports/event-log.ts', "import type { Readable } from 'node:stream'"],
    ['functions/adapters/sqlite/database.ts', "import { applyDelivery } from '../../speed/apply.ts'"],
    ['functions/adapters/sqlite/database.ts', "import type { Settings } from '../../runtime/local/state.ts'"],
    ['functions/notify/notify.ts', "import { openSlackReceiver } from '../adapters/receivers/slack.ts'"],
    ['functions/speed/apply.ts', "import { DatabaseSync } from 'node:sqlite'"],
    ['functions/speed/apply.ts', "import type { DatabaseSync } from 'node:sqlite'"],
    ['functions/runtime/local/engines.ts', "import { Client } from 'cassandra-driver'"],
    ['functions/runtime/local/engines.ts', "import { DuckDBInstance } from '@duckdb/node-api'"],
    ['functions/runtime/aws/log.ts', "import { KinesisClient } from '@aws-sdk/client-kinesis'"],
    ['functions/ingest/producer.ts', "const { Producer } = await import('@platformatic/kafka')"],
    ['functions/batch/run.ts', "import { openDuckDbBatchQuery } from '../adapters/sql/duckdb-batch-query.ts'"],
    ['functions/archive/handler.ts', "export { openEmbeddedHome } from '../runtime/local/embedded.ts'"],
    ['functions/serving/handler.ts', "import { startHttpServer } from '../runtime/local/http-server.ts'"],
    ['functions/archive/archive.ts', "import proj4 from 'proj4'"],
    ['functions/images/observe.ts', "import { progressLine } from '../cli/progress.ts'"],
    ['functions/parquet/write.ts', "import { BANDS } from '../core/event.ts'"],
    ['web/api.ts', "import { ClassStatsRow } from '../functions/serving/schemas.ts'"],
    ['web/api.ts', "import type { Totals } from '../functions/core/totals.ts'"],
    ['functions/runtime/config/environment.ts', "import type { Settings } from '../local/settings.ts'"],
    ['functions/runtime/memo.ts', "import type { LocalRuntime } from './local/runtime.ts'"],
    ['functions/runtime/aws/store.ts', "import { lockState } from '../local/state.ts'"],
    ['functions/batch/run.ts', "import type { SpeedLayer } from '../speed/apply.ts'"],
    ['functions/archive/handler.ts', "import { readEvents } from '../files/csv.ts'"],
    ['functions/cli/start.ts', "import { toTrend } from '../../web/view-models/trend.ts'"],
  ])('so %s may not: %s', (file, source) => {
    expect(breaches(importsOf(file, source))).not.toEqual([])
  })

  it.each([
    ['functions/core/record.ts', "import { gunzipSync } from 'node:zlib'"],
    ['functions/lambda/decode-event.ts', "import { type KinesisStreamEvent } from 'aws-lambda'"],
    ['functions/ports/event-log.ts', "import type { Lane } from '../core/lane.ts'"],
    ['functions/adapters/kafka/event-log.ts', "import { Producer } from '@platformatic/kafka'"],
    ['functions/batch/run.ts', "import { slotPrefix } from '../archive/layout.ts'"],
    [
      'functions/runtime/local/embedded.ts',
      "import { openSqliteCheckpoints } from '../../adapters/sqlite/checkpoints.ts'",
    ],
    ['web/api.ts', "import type { ClassStatsRow } from '../functions/serving/schemas.ts'"],
    ['functions/core/event.ts', "// import { readFileSync } from 'node:fs'"],
  ])('while %s may: %s', (file, source) => {
    expect(breaches(importsOf(file, source))).toEqual([])
  })
})

describe('the core is pure', () => {
  const impureLines = (file: string, source: string) =>
    source
      .split('\n')
      .filter(line => !/^\s*(\*|\/[/*])/.test(line) && IMPURE.test(line))
      .map(line => `${file}: ${line.trim()}`)

  it('in every file: no clock, no randomness, no I/O', () => {
    expect(sourcesIn('functions/core').flatMap(({ file, source }) => impureLines(file, source))).toEqual([])
  })

  it.each(['const now = Date.now()', 'new Date().getTime()', 'Math.random()', 'process.env.X', 'console.log(1)'])(
    'so it may not: %s',
    source => {
      expect(impureLines('functions/core/x.ts', source)).toHaveLength(1)
    },
  )
})
