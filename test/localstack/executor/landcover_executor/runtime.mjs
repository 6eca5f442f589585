// Program inside a Lambda execution environment: loads the handler, then answers one invocation after the other.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const MARK = '\u001elandcover '

/** Writes an answer. If the pipe is full, it tries again with the rest. */
function answer(kind, body) {
  let rest = Buffer.from(`${MARK}${JSON.stringify([kind, JSON.stringify(body ?? null)])}\n`)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}

const failure = error => ({
  errorType: error?.name ?? typeof error,
  errorMessage: error?.message ?? String(error),
  trace: String(error?.stack ?? '').split('\n'),
})

/** Loads the handler named `file.export`. The bundles of landcover are ES modules. */
async function loadHandler() {
  const [, file, name] = /^(.+)\.(\w+)$/.exec(process.env._HANDLER)
  const module = await import(pathToFileURL(`${process.env.LAMBDA_TASK_ROOT}/${file}.mjs`).href)
  if (typeof module[name] !== 'function') throw new Error(`${file}.mjs exports no function ${name}`)
  return module[name]
}

process.on('unhandledRejection', error => {
  console.error(error)
  process.exit(128)
})

let handler
try {
  handler = await loadHandler()
} catch (error) {
  answer('failed to load', failure(error))
  process.exit(1)
}
answer('ready')

for await (const line of createInterface({ input: process.stdin })) {
  const invocation = JSON.parse(line)
  const context = {
    awsRequestId: invocation['invoke-id'],
    invokedFunctionArn: invocation['invoked-function-arn'],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => Math.max(0, invocation.deadlineMs - Date.now()),
  }
  try {
    answer('result', await handler(JSON.parse(invocation.payload || '{}'), context))
  } catch (error) {
    console.error(error)
    answer('error', failure(error))
  }
}
process.exit(0)
