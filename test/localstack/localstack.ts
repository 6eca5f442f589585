import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ENGINES_FOLDER } from '../engines/java.ts'
import { freePorts } from '../support/ports.ts'
import { localStackPython } from './python.ts'

/** LocalStack on loopback, without Docker. Its functions are processes of this host. */
export interface LocalStack {
  /** `http://127.0.0.1:port`, for all services */
  endpoint: string
  /** Environment variables with which SDKs and the `cdk` command use it. */
  environment: Record<string, string>
  /** Output so far. */
  log(): Promise<string>
  /** Stops it and deletes its folder. */
  stop(): Promise<void>
}

export const REGION = 'us-east-1'
export const ACCOUNT = '000000000000'

/** Time limit of a start. The first start also installs the packages. */
export const LOCALSTACK_START_TIMEOUT_MS = 600_000
const START_LIMIT_MS = 300_000
const STOP_LIMIT_MS = 20_000

/** Interval at which event source mappings poll for records. The default is a second. */
const POLL_S = '0.1'

/**
 * Starts LocalStack and waits until it accepts requests. If LOCALSTACK_ENDPOINT names one that runs already, such as
 * its container, that one is used and not stopped.
 *
 * @throws Error with the end of its log if it does not start
 */
export async function startLocalStack(): Promise<LocalStack> {
  const running = process.env.LOCALSTACK_ENDPOINT
  if (running) {
    if (!(await isReady(running))) throw new Error(`LOCALSTACK_ENDPOINT: no LocalStack answers at ${running}`)
    return {
      endpoint: running,
      environment: clientEnvironment(running),
      log: async () => '',
      stop: async () => {},
    }
  }
  const python = await localStackPython()
  await mkdir(ENGINES_FOLDER, { recursive: true })
  const folder = await mkdtemp(join(ENGINES_FOLDER, 'localstack-data-'))
  const [port] = (await freePorts(1)) as [number]
  const endpoint = `http://127.0.0.1:${port}`
  const logFile = join(folder, 'log')
  await mkdir(join(folder, 'tmp'))
  const output = await open(logFile, 'a')
  const server = spawn(python, ['-m', 'localstack.runtime.main'], {
    cwd: folder,
    env: serverEnvironment(folder, `127.0.0.1:${port}`),
    stdio: ['ignore', output.fd, output.fd],
    // Its own process group, so that its child processes can be stopped with it.
    detached: true,
  })
  await output.close()
  const killGroup = () => {
    try {
      process.kill(-(server.pid as number), 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
  process.once('exit', killGroup)
  const hasEnded = () => server.exitCode !== null || server.signalCode !== null
  const stop = async () => {
    if (!hasEnded()) {
      // After SIGKILL, the processes of functions would keep running: they are in their own groups.
      server.kill('SIGTERM')
      await Promise.race([once(server, 'exit'), sleep(STOP_LIMIT_MS, null, { ref: false })])
    }
    killGroup()
    process.off('exit', killGroup)
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_LIMIT_MS
  while (!(await isReady(endpoint))) {
    if (hasEnded() || Date.now() > deadline) {
      const said = await readFile(logFile, 'utf8')
      await stop()
      throw new Error(`LocalStack did not start. The end of its log:\n${said.slice(-4000)}`)
    }
    await sleep(100)
  }
  return { endpoint, environment: clientEnvironment(endpoint), log: () => readFile(logFile, 'utf8'), stop }
}

async function isReady(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/_localstack/health`)).ok
  } catch {
    return false
  }
}

function clientEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

function serverEnvironment(folder: string, address: string): NodeJS.ProcessEnv {
  // The server's own SDK clients must not use settings that are meant for ours.
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
  return {
    ...Object.fromEntries(own),
    GATEWAY_LISTEN: address,
    LOCALSTACK_HOST: address,
    DISABLE_EVENTS: '1',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    // Disables its DNS server, which is not used here.
    DNS_ADDRESS: '0',
    // Without these, it would take a host that is a container for its own, and write to system folders.
    OVERRIDE_IN_DOCKER: '0',
    FILESYSTEM_ROOT: join(folder, 'files'),
    TMPDIR: join(folder, 'tmp'),
    KINESIS_PERSISTENCE: '0',
    LAMBDA_RUNTIME_EXECUTOR: 'process',
    LANDCOVER_NODE: process.execPath,
    LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC: POLL_S,
    LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC: '1',
    PATH: `${join(process.execPath, '..')}:${process.env.PATH}`,
  }
}
