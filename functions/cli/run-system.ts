import { formatLateness, type Lateness, type LatenessSince, parseLateness } from '../core/lateness.ts'
import { rulesNamed } from '../core/rules/index.ts'
import { parseSlotLength } from '../core/slot.ts'
import { formatTimestamp, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/time.ts'
import { readClassNames } from '../files/class-file.ts'
import { parseOrigins } from '../http/cors.ts'
import { readAlertsSettings } from '../runtime/config/alerts.ts'
import { readEnvironment } from '../runtime/config/environment.ts'
import { describeLog } from '../runtime/config/log-address.ts'
import { describeStore } from '../runtime/config/store-address.ts'
import { parseBasePath } from '../runtime/local/base-path.ts'
import { importDemoHistory, streamDemoImages } from '../runtime/local/demo.ts'
import { type Endpoints, endpointsOf, storeEndpoints } from '../runtime/local/endpoints.ts'
import { parseHosts, parseListenAddress } from '../runtime/local/hosts.ts'
import { type LocalServer, startHttpServer } from '../runtime/local/http-server.ts'
import { changeLateness } from '../runtime/local/lateness.ts'
import { type LocalRuntime, openLocalRuntime } from '../runtime/local/runtime.ts'
import { latenessOf } from '../runtime/local/settings.ts'
import {
  identifyState,
  lockState,
  newStateRemoval,
  openState,
  readState,
  refuseIfRunning,
  removeState,
} from '../runtime/local/state.ts'
import { type RunningSystem, startSystem } from '../runtime/local/system.ts'
import { checkToken, TOKEN_SCOPES, type TokenRule } from '../runtime/local/token.ts'
import { flagValue, UsageError, versionText, wholeNumber } from './command.ts'
import { endWithNpm } from './end-with-npm.ts'
import { requestedEndpoints } from './endpoint-flags.ts'
import { linesFrom, parseLogLevel, requestLog } from './log-lines.ts'
import { buildChangedPage, SITE } from './page.ts'
import type { StartFlags } from './start-flags.ts'

/** Options of a run, from the flags of `npm start` and the environment. */
type StartOptions = Awaited<ReturnType<typeof optionsOf>>

/**
 * Runs the system until it is told to stop. A start that fails leaves nothing of a new state behind.
 *
 * @returns exit code
 */
export async function runSystem(flags: StartFlags): Promise<number> {
  const options = await optionsOf(flags)
  refuseIfRunning(flags.state)
  await buildChangedPage()
  const opened = new AsyncDisposableStack()
  try {
    // The port is opened before the state: if it is in use, nothing was changed.
    const server = await startHttpServer({ site: SITE, ...options.web })
    opened.defer(server.close)
    if (flags.fresh) removeState(flags.state)
    process.stderr.write(openWarning(options))
    const started = await start(flags, options, server, opened)
    await untilStopped(flags, options, started)
  } finally {
    await opened.disposeAsync()
  }
  process.stdout.write('Stopped.\n')
  return 0
}

/** @throws UsageError for a flag that is wrong, Error for a variable of the environment that is */
async function optionsOf(flags: StartFlags) {
  const slotMs = flags.slot === undefined ? undefined : flagValue('slot', flags.slot, parseSlotLength)
  const origin = flags['allow-origin']
  const host = flags['allow-host']
  const environment = readEnvironment(process.env)
  const basePath = flagValue('base-path', flags['base-path'] ?? '/', parseBasePath)
  const level = parseLogLevel(flags['log-level'])
  const listening = flagValue('host', flags.host, parseListenAddress)
  const writeLog = linesFrom(level, line => process.stderr.write(line))
  return {
    listening,
    writeLog,
    web: {
      address: listening.address,
      port: wholeNumber('port', flags.port, 0, 65535),
      basePath,
      ...(level === 'debug' && { onAnswer: requestLog(writeLog) }),
      token: tokenRuleOf(flags['token-for'], environment.token),
      allowedOrigins: origin === undefined ? [] : flagValue('allow-origin', origin, parseOrigins),
      allowedHosts: [...listening.hosts, ...(host === undefined ? [] : flagValue('allow-host', host, parseHosts))],
    },
    alerts: flags.alerts === undefined ? null : flagValue('alerts', flags.alerts, file => readAlertsSettings(file)),
    rules: flagValue('rules', flags.rules, rulesNamed),
    slotMs,
    latenessMs: flags.lateness === undefined ? undefined : flagValue('lateness', flags.lateness, parseLateness),
    classNames: flags.classes === undefined ? [] : await classNamesOf(flags.classes),
    environment,
    asked: requestedEndpoints(flags, environment),
  }
}

/** System that was started, and what it runs with. */
interface Started {
  system: RunningSystem
  runtime: LocalRuntime
  endpoints: Endpoints
  lateness: Lateness
  isDemo: boolean
}

/** Opens the state and starts its system. Everything that was opened is added to `opened`, which closes it. */
async function start(
  flags: StartFlags,
  { rules, alerts, slotMs, latenessMs, classNames, environment, asked, writeLog }: StartOptions,
  server: LocalServer,
  opened: AsyncDisposableStack,
): Promise<Started> {
  let endpoints: Endpoints | undefined
  let isStarted = false
  const removeNew = newStateRemoval(flags.state)
  opened.defer(() => {
    // Other servers have stored the id of this state, so the state must stay.
    const isAllHere = [endpoints?.log, endpoints?.store].every(each => (each?.kind ?? 'embedded') === 'embedded')
    if (!isStarted && isAllHere) removeNew()
  })
  const demo = !flags['no-demo']
  const state = await openState(flags.state, {
    slotMs: slotMs ?? (demo ? MINUTE_MS : HOUR_MS),
    demo,
    createdMs: Date.now(),
    ...(latenessMs !== undefined && { lateness: [{ since: 0, ms: latenessMs }] }),
  })
  if (slotMs !== undefined && slotMs !== state.slotMs) {
    throw new UsageError(
      `--slot: the state in ${flags.state} has slots of ${state.slotMs / 1000} s; --fresh starts again`,
    )
  }
  const lock = lockState(flags.state)
  opened.defer(lock.release)
  const settings = await identifyState(flags.state, state)
  endpoints = endpointsOf(flags.state, settings, asked)
  const runtime = await openLocalRuntime(flags.state, settings, endpoints, environment, writeLog, {
    acceptsLostRecords: flags['accept-lost-records'],
  })
  opened.defer(runtime.close)
  const { store } = await runtime.openLogAndStore()
  await storeEndpoints(flags.state, settings, asked)
  if (latenessMs !== undefined) {
    await changeLateness(flags.state, { store, objects: runtime.objects }, latenessMs, Date.now())
  }
  const lateness = latenessOf(readState(flags.state))
  if (classNames.length > 0) await runtime.addClasses(classNames)
  if (settings.demo) await importDemoHistory(runtime, settings.createdMs)
  const system = await startSystem({ runtime, lateness, rules, server, alerts })
  opened.defer(system.stop)
  isStarted = true
  return { system, runtime, endpoints, lateness, isDemo: settings.demo }
}

/** Says that the system runs, streams the images of the demo, and waits for the signal to stop. */
async function untilStopped(flags: StartFlags, options: StartOptions, started: Started): Promise<void> {
  const { system, runtime, lateness, isDemo } = started
  // Installs the signal handlers before the message is printed: a reader of the message may stop the system at once.
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
  endWithNpm(() => stopping.abort(), stopping.signal)
  const demo = !flags['no-demo']
  process.stdout.on('error', () => {})
  process.stdout.write(greeting(options, started))
  process.stdout.write(`State in ${flags.state}. Ctrl-C stops; the next start continues where this one ended.\n`)
  const newest = lateness.at(-1) as LatenessSince
  if (newest.since > Date.now()) {
    const from = formatTimestamp(newest.since)
    process.stdout.write(`Images that arrive from ${from} on have the allowed lateness ${formatLateness(newest.ms)}.\n`)
  }
  if (demo && !isDemo) process.stdout.write('The state was made without demo data, so none is added.\n')
  const streaming = demo && isDemo ? streamDemoImages(system.log, runtime.logger, stopping.signal) : undefined
  await new Promise(resolve => stopping.signal.addEventListener('abort', resolve))
  await streaming
}

/** Lines that say where the system answers, and what it runs with. */
function greeting({ listening, rules, web }: StartOptions, { system, runtime, endpoints, isDemo }: Started): string {
  const parts = [
    `event log: ${describeLog(endpoints.log)}`,
    `speed store: ${describeStore(endpoints.store)}`,
    `slots of ${runtime.slotMs / SECOND_MS} s`,
    `rules: ${rules.map(({ name }) => name).join(', ') || 'none'}`,
    isDemo ? 'with demo data' : 'no demo data',
  ]
  return `landcover is running: http://${listening.urlHost}:${system.port}${web.basePath && `${web.basePath}/`}\n${versionText()}; ${parts.join('; ')}.\n`
}

/**
 * @throws UsageError for another scope, or for one without a token
 * @throws Error for a token that is too short or has other characters
 */
function tokenRuleOf(asked: string | undefined, token: string | undefined): TokenRule | undefined {
  const scope = TOKEN_SCOPES.find(each => each === (asked ?? 'writes'))
  if (!scope) throw new UsageError(`--token-for: '${asked}' is not one of ${TOKEN_SCOPES.join(', ')}`)
  if (token !== undefined) return { token: checkToken(token), scope }
  if (asked === undefined) return undefined
  throw new UsageError(
    '--token-for needs a token: set LANDCOVER_TOKEN, or LANDCOVER_TOKEN_FILE with the name of a file',
  )
}

/** Says who can use a system that listens on an address of the network; an empty text when nobody else can. */
function openWarning({ listening, web: { token } }: StartOptions): string {
  if (!listening.isOpen) return ''
  const where = `everybody who reaches ${listening.address}`
  const encrypted = 'Connections are not encrypted: put a proxy with TLS before it, as docs/security.md says.\n'
  if (token?.scope === 'all') return `Warning: ${encrypted}`
  if (token)
    return `Warning: ${where} can read without a log-in; --token-for all asks readers for the token, too. ${encrypted}`
  return `Warning: ${where} can read and send events without a log-in; LANDCOVER_TOKEN asks for a token. ${encrypted}`
}

async function classNamesOf(file: string): Promise<string[]> {
  try {
    return await readClassNames(file)
  } catch (error) {
    throw new UsageError(`--classes: ${(error as Error).message}`)
  }
}
