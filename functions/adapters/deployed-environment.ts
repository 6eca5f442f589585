import { GetFunctionConfigurationCommand, LambdaClient, ResourceNotFoundException } from '@aws-sdk/client-lambda'
import { limitedRequests } from './aws-requests.ts'

/**
 * The environment variables of a deployed function.
 *
 * @throws Error that says so where there is no such function
 */
export async function deployedEnvironment(functionName: string): Promise<Record<string, string>> {
  const client = new LambdaClient({ requestHandler: limitedRequests(5_000, 30_000) })
  try {
    const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: functionName }))
    return Environment?.Variables ?? {}
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error
    throw new Error(`there is no function ${functionName} in this account and region`, { cause: error })
  } finally {
    client.destroy()
  }
}
