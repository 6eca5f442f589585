import { setTimeout as sleep } from 'node:timers/promises'
import {
  GetEventSourceMappingCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  ResourceNotFoundException,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda'
import { MINUTE_MS, SECOND_MS } from '../../core/time.ts'
import { limitedRequests } from './requests.ts'

const PAUSED_WITHIN_MS = 5 * MINUTE_MS

/**
 * Reads the environment variables of a deployed function.
 *
 * @throws Error that says so when there is no such function
 */
export async function deployedEnvironment(functionName: string): Promise<Record<string, string>> {
  return withLambda(functionName, async client => {
    const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: functionName }))
    return Environment?.Variables ?? {}
  })
}

/** Consumer of the log whose deliveries are paused. */
export interface PausedConsumer {
  /** Resumes the deliveries where the event source mapping had stopped. */
  resume(): Promise<void>
}

/**
 * Stops the event source mapping of a deployed function. A delivery that has started may still run, as long as a call
 * may take.
 *
 * @throws Error when there is no such function or mapping, or when it does not stop
 */
export async function pauseConsumer(functionName: string): Promise<PausedConsumer> {
  return withLambda(functionName, async client => {
    const { EventSourceMappings } = await client.send(
      new ListEventSourceMappingsCommand({ FunctionName: functionName }),
    )
    const [mapping] = EventSourceMappings ?? []
    if (!mapping?.UUID) throw new Error(`the function ${functionName} consumes no log`)
    const { UUID } = mapping
    if (mapping.State !== 'Disabled') await client.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }))
    const deadline = Date.now() + PAUSED_WITHIN_MS
    for (;;) {
      const { State } = await client.send(new GetEventSourceMappingCommand({ UUID }))
      if (State === 'Disabled') break
      if (Date.now() > deadline) throw new Error(`the event source mapping of ${functionName} is still ${State}`)
      await sleep(SECOND_MS)
    }
    return {
      resume: () =>
        withLambda(functionName, async again => {
          await again.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }))
        }),
    }
  })
}

async function withLambda<Result>(functionName: string, ask: (client: LambdaClient) => Promise<Result>) {
  const client = new LambdaClient({ requestHandler: limitedRequests(5_000, 30_000) })
  try {
    return await ask(client)
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error
    throw new Error(`there is no function ${functionName} in this account and region`, { cause: error })
  } finally {
    client.destroy()
  }
}
