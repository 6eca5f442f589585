/** Runs a deployed function in its own process: `node function-process.ts BUNDLE`. It answers each event over IPC. */
const { handler } = await import(process.argv[2] as string)

process.on('message', async event => {
  try {
    process.send?.({ result: await handler(event, { awsRequestId: 'test', getRemainingTimeInMillis: () => 120_000 }) })
  } catch (error) {
    process.send?.({ error: String(error) })
  }
})
