import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe } from 'vitest'

/** Folder of the jars and data of engines under test: LANDCOVER_ENGINES, or a folder that git ignores. */
export const ENGINES_FOLDER = resolve(
  process.env.LANDCOVER_ENGINES || join(import.meta.dirname, '../../.landcover/engines'),
)

/** Flag of a JVM that compiles quickly and once: measured, a third less work where nothing runs for long. */
export const COMPILE_ONCE = '-XX:TieredStopAtLevel=1'

/** Why engines of Java cannot be started here, for people; null where they can. */
export function javaMissing(): string | null {
  for (const command of ['java', 'mvn']) {
    const { error, status } = spawnSync(command, ['-version'], { stdio: 'ignore' })
    if (error || status !== 0) return `'${command}' does not run here: install a JDK (17 or later) and Maven`
  }
  return null
}

/** Places of Java besides the PATH: of Debian, of manual installations, and of macOS. */
const JAVA_HOMES = ['/usr/lib/jvm/*', '/opt/*', '/Library/Java/JavaVirtualMachines/*/Contents/Home']

/** The `java` of a version or a later one, the lowest that there is; null where there is none. */
export function javaSince(version: number): string | null {
  const named = Object.keys(process.env).filter(name => name.startsWith('JAVA_HOME'))
  const homes = [...named.map(name => process.env[name] as string), ...globSync(JAVA_HOMES)]
  const found = ['java', ...homes.map(home => join(home, 'bin/java'))]
    .map(java => ({ java, version: versionOf(java) }))
    .filter(candidate => candidate.version >= version)
    .sort((a, b) => a.version - b.version)
  return found[0]?.java ?? null
}

/** 0 where it does not run. */
function versionOf(java: string): number {
  const { stderr } = spawnSync(java, ['-version'], { encoding: 'utf8' })
  return Number(/ version "(\d+)/.exec(stderr)?.[1] ?? 0)
}

/**
 * The folder of an engine's jars, fetched with Maven the first time. Its name holds a digest of the pom, so that a
 * changed pom gets new jars.
 *
 * @param pomFolder the folder of the engine's pom.xml
 * @param goal what becomes of the pom's dependencies: archives may be copied as they are, or unpacked
 * @throws Error with Maven's own words when it fails
 */
export async function resolveJars(
  pomFolder: string,
  name: string,
  goal: 'copy-dependencies' | 'unpack-dependencies' = 'copy-dependencies',
): Promise<string> {
  const pom = join(pomFolder, 'pom.xml')
  const digest = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
  const folder = join(ENGINES_FOLDER, 'jars', `${name}-${digest.slice(0, 12)}`)
  if (existsSync(folder)) return folder
  // Filled beside and renamed: another test process never sees half of the jars.
  const filling = `${folder}.${randomBytes(4).toString('hex')}`
  await mkdir(filling, { recursive: true })
  try {
    await runMaven(pom, goal, filling)
    await rename(filling, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    await rm(filling, { recursive: true, force: true })
  }
  return folder
}

async function runMaven(pom: string, goal: string, folder: string): Promise<void> {
  const program = [`dependency:${goal}`, '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  // Unpacking leaves marks of what was unpacked, by which it would do nothing the next time.
  const marks = `-DmarkersDirectory=${join(folder, '.unpacked')}`
  const maven = spawn('mvn', ['-B', '-q', '-f', pom, ...program, marks], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [maven.stdout, maven.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk))
  const code = await new Promise((done, fail) => maven.once('error', fail).once('close', done))
  if (code !== 0) throw new Error(`mvn could not fetch the jars of ${pom}:\n${said.slice(-4000)}`)
}

/**
 * A group of tests that need engines of Java: skipped, with the reason in its name, where Java is missing. On CI they
 * run all the same, and fail there, so that a missing engine is never taken for a passed test.
 */
export function describeWithJava(name: string, tests: () => void, missing = javaMissing): void {
  const reason = process.env.CI ? null : missing()
  if (reason) describe.skip(`${name} (skipped: ${reason})`, tests)
  else describe(name, tests)
}
