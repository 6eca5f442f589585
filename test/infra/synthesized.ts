import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import { type Deployment, FAILED, fileOf, type Resource, type Synthesis } from './deployments.ts'

export interface Synthesized extends Omit<Synthesis, 'resources'> {
  /** Resources of all stacks, keyed by logical id. */
  resources: ReadonlyMap<string, Resource>
  /** Returns the properties of all resources of a type. */
  properties(type: string): Record<string, unknown>[]
}

/**
 * Templates of a deployment. Waits until the process that synthesizes all deployments has written them.
 *
 * @throws Error with the output of that process if it failed
 */
export async function synthesized(deployment: Deployment): Promise<Synthesized> {
  const folder = inject('syntheses')
  const file = join(folder, fileOf(deployment))
  while (!existsSync(file)) {
    if (existsSync(join(folder, FAILED))) throw new Error(readFileSync(join(folder, FAILED), 'utf8'))
    await sleep(50)
  }
  const synthesis = JSON.parse(readFileSync(file, 'utf8')) as Synthesis
  const resources = new Map(synthesis.resources)
  return {
    ...synthesis,
    resources,
    properties: type => [...resources.values()].flatMap(({ Type, Properties }) => (Type === type ? [Properties] : [])),
  }
}
