import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  buildBundles,
  bundleOf,
  FUNCTIONS,
  type FunctionName,
  type LogKind,
  zippedBytes,
} from '../../infra/constructs/bundles.ts'

/**
 * Maximum compressed size, KB. A larger bundle needs a decision. Cassandra's driver is half of a bundle, Kafka's client a
 * third; Powertools and middy are 8 to 13 KB, the reader of wrapped records 5.
 */
const BUDGET: Record<LogKind, Record<FunctionName, number>> = {
  kinesis: {
    speed: 350,
    archive: 220,
    heartbeat: 130,
    batch: 375,
    compaction: 210,
    serving: 400,
    ingest: 200,
    decisions: 210,
    notify: 345,
    images: 250,
  },
  kafka: {
    speed: 350,
    archive: 220,
    heartbeat: 430,
    batch: 375,
    compaction: 210,
    serving: 400,
    ingest: 450,
    decisions: 210,
    notify: 345,
    images: 500,
  },
}

/** Client packages of each function, without those of the log. */
const CLIENTS: Record<FunctionName, string[]> = {
  speed: ['@aws-sdk/client-s3', 'cassandra-driver'],
  archive: ['@aws-sdk/client-s3'],
  heartbeat: [],
  batch: ['@aws-sdk/client-athena', '@aws-sdk/client-s3', 'cassandra-driver'],
  compaction: ['@aws-sdk/client-s3'],
  serving: ['@aws-sdk/client-s3', 'cassandra-driver'],
  ingest: ['@aws-sdk/client-s3'],
  decisions: ['@aws-sdk/client-s3'],
  notify: [
    '@aws-sdk/client-eventbridge',
    '@aws-sdk/client-s3',
    '@aws-sdk/client-secrets-manager',
    '@aws-sdk/client-sesv2',
    '@aws-sdk/client-sns',
  ],
  images: ['@aws-sdk/client-s3'],
}
/** Client packages for the log. On Kafka, only functions that append have one: the others read its metadata from S3. */
const LOG_CLIENTS: Record<LogKind, (name: FunctionName) => string[]> = {
  kinesis: name => (['compaction', 'decisions', 'notify'].includes(name) ? [] : ['@aws-sdk/client-kinesis']),
  kafka: name =>
    ['heartbeat', 'ingest', 'images'].includes(name)
      ? ['@aws-sdk/client-s3', '@aws-sdk/client-secrets-manager', '@platformatic/kafka']
      : [],
}

describe.each(['kinesis', 'kafka'] as const)('the bundles of the functions of a stage on %s', log => {
  const folder = join(mkdtempSync(join(tmpdir(), 'landcover-bundles-')), 'dist')
  let packages: Record<FunctionName, string[]>
  beforeAll(async () => {
    packages = await buildBundles(log, folder)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  describe.each(Object.keys(FUNCTIONS) as FunctionName[])('%s', name => {
    it('is within its budget', () => {
      expect(zippedBytes(bundleOf(name, folder)) / 1024).toBeLessThan(BUDGET[log][name])
    })

    it('contains the clients that it calls, and no others', () => {
      const isClient = (name: string) => /client-|-driver$|kafka$|duckdb/.test(name)
      expect(packages[name].filter(isClient)).toEqual(
        [...new Set([...CLIENTS[name], ...LOG_CLIENTS[log](name)])].sort(),
      )
    })

    it('loads without a network, settings or other files', () => {
      const load = `const { handler } = await import('${join(bundleOf(name, folder), 'index.mjs')}'); console.log(typeof handler)`
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', load], {
        env: { PATH: process.env.PATH },
        encoding: 'utf8',
      })
      expect(stderr).toBe('')
      expect(stdout).toBe('function\n')
    })

    it('contains the data files that it reads', () => {
      const files = readdirSync(bundleOf(name, folder), { recursive: true, withFileTypes: true })
      const found = files.flatMap(file => (file.isFile() && !/\.(mjs|wasm)$/.test(file.name) ? [file.name] : []))
      expect(found.sort()).toEqual(FUNCTIONS[name].map(path => path.split('/').at(-1)).sort())
    })
  })
})
