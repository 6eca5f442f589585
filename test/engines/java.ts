import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe } from 'vitest'

/** Where jars and the data of engines under test live: LANDCOVER_ENGINES, or a folder that git ignores. */
export const ENGINES_FOLDER = resolve(
  process.env.LANDCOVER_ENGINES || join(import.meta.dirname, '../../.landcover/engines'),
)

/** Why engines of Java cannot be started here, for people; null where they can. */
export function javaMissing(): string | null {
  for (const command of ['java', 'mvn']) {
    const { error, status } = spawnSync(command, ['-version'], { stdio: 'ignore' })
    if (error || status !== 0) return `'${command}' does not run here: install a JDK (17 or later) and Maven`
  }
  return null
}

/**
 * The folder of an engine's jars, fetched with Maven the first time. Its name holds a digest of the pom, so that a
 * changed pom gets new jars.
 *
 * @param pomFolder the folder of the engine's pom.xml
 * @throws Error with Maven's own words when it fails
 */
export async function resolveJars(pomFolder: string, name: string): Promise<string> {
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
    await mavenCopy(pom, filling)
    await rename(filling, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    await rm(filling, { recursive: true, force: true })
  }
  return folder
}

async function mavenCopy(pom: string, folder: string): Promise<void> {
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  const maven = spawn('mvn', ['-B', '-q', '-f', pom, ...goal], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [maven.stdout, maven.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk))
  const code = await new Promise((done, fail) => maven.once('error', fail).once('close', done))
  if (code !== 0) throw new Error(`mvn could not fetch the jars of ${pom}:\n${said.slice(-4000)}`)
}

/**
 * A group of tests that need engines of Java: skipped, with the reason in its name, where Java is missing. On CI they
 * run all the same, and fail there, so that a missing engine is never taken for a passed test.
 */
export function describeWithJava(name: string, tests: () => void): void {
  const reason = process.env.CI ? null : javaMissing()
  if (reason) describe.skip(`${name} (skipped: ${reason})`, tests)
  else describe(name, tests)
}
