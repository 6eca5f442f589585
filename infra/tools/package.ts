import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../../functions/cli/command.ts'
import { COMMANDS } from '../../functions/cli/landcover.ts'
import { buildChangedPage } from '../../functions/cli/page.ts'

/**
 * `npm run package`: makes the npm package of the product, which needs no checkout. Node runs no TypeScript below
 * node_modules, so the package has JavaScript. It has the built dashboard, and depends on what its own files import, in
 * the versions of package-lock.json.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Files that no import names: threads are started by their address. */
const THREADS = 'functions/**/*-thread.ts'

/** Program of the package, and what it loads first. */
const BIN = 'functions/cli/bin.cjs'
const PLAIN_SCRIPTS = [BIN, 'functions/cli/needed-node.cjs']

/** Files that the program reads, and what people read. */
const COPIED = [
  'data/classes.csv',
  'data/sample',
  'data/sql',
  'web/dist',
  'docs',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
]

interface Manifest {
  name: string
  version: string
  description: string
  license: string
  dependencies: Record<string, string>
}

interface Lock {
  packages: Record<string, { version?: string }>
}

/**
 * Makes the package.
 *
 * @param folder folder to write it to
 * @returns path of the package, a .tgz
 * @throws Error when the sources cannot be compiled or npm refuses the package
 */
export async function makePackage(folder: string): Promise<string> {
  await buildChangedPage()
  const staged = mkdtempSync(join(tmpdir(), 'landcover-package-'))
  try {
    compile(staged)
    for (const path of PLAIN_SCRIPTS) cpSync(join(ROOT, path), join(staged, path))
    for (const path of COPIED) cpSync(join(ROOT, path), join(staged, path), { recursive: true })
    nameCommands(staged)
    chmodSync(join(staged, BIN), 0o755)
    writeManifest(staged)
    mkdirSync(folder, { recursive: true })
    const packed = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(folder)], staged)
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
    return join(folder, filename)
  } finally {
    rmSync(staged, { recursive: true })
  }
}

/** Writes the sources of all commands as JavaScript. `npm run types` checks the types, here they are only removed. */
function compile(staged: string): void {
  const config = join(staged, 'tsconfig.json')
  const compilerOptions = {
    noEmit: false,
    noCheck: true,
    rewriteRelativeImportExtensions: true,
    rootDir: ROOT,
    outDir: staged,
    typeRoots: [join(ROOT, 'node_modules/@types')],
  }
  const include = ['functions/cli/*.ts', THREADS].map(path => join(ROOT, path))
  writeFileSync(config, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include }))
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', config],
    { encoding: 'utf8' },
  )
  rmSync(config)
  if (status !== 0) throw new Error(`the sources cannot be compiled: ${stdout}`)
}

/** Lets texts name the commands as users of the package call them, and the program's files name JavaScript. */
function nameCommands(staged: string): void {
  const names = Object.keys(COMMANDS).join('|')
  const called = new RegExp(`npm (?:run )?(${names})(?: --(?= ))?(?![\\w-])`, 'g')
  const texts = ['functions/**/*.js', 'data/*.js', 'web/dist/**/*.{js,html}']
  for (const file of globSync(texts, { cwd: staged })) {
    rewrite(join(staged, file), text => text.replaceAll(called, 'landcover $1'))
  }
  rewrite(join(staged, BIN), text => text.replaceAll(".ts')", ".js')"))
}

function rewrite(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')))
}

/** Writes package.json, and npm-shrinkwrap.json, so that an installation gets the versions that were tested. */
function writeManifest(staged: string): void {
  const project = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
  const { name, version, description, license } = project
  const dependencies = Object.fromEntries(
    importedPackages(staged).map(each => {
      const locked = lock.packages[`node_modules/${each}`]?.version
      if (!(each in project.dependencies) || locked === undefined) {
        throw new Error(`${each} is imported and is not in the dependencies of package.json`)
      }
      return [each, locked]
    }),
  )
  const manifest = {
    name,
    version,
    description,
    license,
    type: 'module',
    bin: { landcover: BIN },
    engines: { node: '>=24.2' },
    dependencies,
  }
  writeFileSync(join(staged, 'package.json'), JSON.stringify(manifest, null, 2))
  cpSync(join(ROOT, '.npmrc'), join(staged, '.npmrc'))
  cpSync(join(ROOT, 'package-lock.json'), join(staged, 'package-lock.json'))
  // Removes from the lock what the package does not depend on.
  npm(['install', '--package-lock-only', '--ignore-scripts', '--offline', '--no-audit', '--no-fund'], staged)
  renameSync(join(staged, 'package-lock.json'), join(staged, 'npm-shrinkwrap.json'))
  rmSync(join(staged, '.npmrc'))
}

/** Names of the packages that the JavaScript of a folder imports, in order. Vite only builds the page of a checkout. */
export function importedPackages(staged: string): string[] {
  const names = globSync(['functions/**/*.js', 'data/*.js'], { cwd: staged }).flatMap(file => {
    const text = readFileSync(join(staged, file), 'utf8')
    return Array.from(text.matchAll(/\b(?:from |import\(|import )'([^'.][^']*)'/g), ([, target]) => target as string)
  })
  const packages = names
    .filter(target => !isBuiltin(target))
    .map(target => target.split('/', target.startsWith('@') ? 2 : 1).join('/'))
  return [...new Set(packages)].filter(name => name !== 'vite').sort()
}

function npm(args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${args[0]} failed: ${stderr}${stdout}`)
  return stdout
}

if (import.meta.main) {
  await runCommand(
    {
      usage: 'npm run package -- [--out FOLDER]',
      summary: 'Makes the npm package of landcover, with the program landcover and the built dashboard.',
      flags: {
        out: { type: 'string', value: 'FOLDER', default: '.', help: 'Folder to write the package to' },
      },
    },
    async ({ out }) => {
      const path = await makePackage(out)
      process.stdout.write(`${basename(path)} is in ${dirname(path)}: npm install --global ${path}\n`)
      return 0
    },
  )
}
