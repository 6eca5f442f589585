import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DEFAULT_RULES, RULES, rulesNamed } from '../core/rules/index.ts'
import { parseSlotLength } from '../core/slot.ts'
import { HOUR_MS, MINUTE_MS } from '../core/time.ts'
import { readClassNames } from '../files/class-file.ts'
import { parseOrigins } from '../http/cors.ts'
import { readEnvironment } from '../runtime/config/environment.ts'
import { importDemoHistory, streamDemoImages } from '../runtime/local/demo.ts'
import { endpointsOf, storeEndpoints } from '../runtime/local/endpoints.ts'
import { parseHosts } from '../runtime/local/hosts.ts'
import { openLocalRuntime } from '../runtime/local/runtime.ts'
import { identifyState, lockState, openState, removeState } from '../runtime/local/state.ts'
import { startSystem } from '../runtime/local/system.ts'
import { flagValue, runCommand, UsageError, wholeNumber } from './command.ts'
import { ENDPOINT_FLAGS, requestedEndpoints } from './endpoint-flags.ts'

const SITE = fileURLToPath(new URL('../../web/dist', import.meta.url))

await runCommand(
  {
    usage: 'npm start -- [flags]',
    summary: 'Runs the whole system on this machine: event log, speed and batch layer, API and dashboard.',
    flags: {
      port: { type: 'string', value: 'PORT', default: '8000', help: 'Port of the dashboard and the API' },
      state: { type: 'string', value: 'DIR', default: '.landcover/state', help: 'Folder that holds all state' },
      ...ENDPOINT_FLAGS,
      fresh: { type: 'boolean', help: 'Remove the state and start again; data on other servers stays' },
      'accept-lost-records': {
        type: 'boolean',
        help: 'Continue with a log that has lost records that were read before; says how many are missing',
      },
      'no-demo': { type: 'boolean', help: 'Start without demo data' },
      slot: {
        type: 'string',
        value: 'LENGTH',
        help: 'Length of arrival slots in a new state (default 1m, or 1h with --no-demo)',
      },
      'allow-origin': {
        type: 'string',
        value: 'URLS',
        help: 'Origins whose pages may read the API, separated by commas; * is any (default: only its own)',
      },
      'allow-host': {
        type: 'string',
        value: 'NAMES',
        help: 'Further host names of this server, separated by commas (default: localhost and other loopback names)',
      },
      classes: { type: 'string', value: 'FILE.csv', help: 'List of further land-cover classes (column class_name)' },
      rules: {
        type: 'string',
        value: 'NAMES',
        default: DEFAULT_RULES.map(rule => rule.name).join(),
        help: `Anomaly rules in order; the first that finds an anomaly raises the alert: ${[...RULES.keys()].join(', ')}`,
      },
    },
  },
  async flags => {
    const port = wholeNumber('port', flags.port, 0, 65535)
    const rules = flagValue('rules', flags.rules, rulesNamed)
    const slotMs = flags.slot === undefined ? undefined : flagValue('slot', flags.slot, parseSlotLength)
    const classNames = flags.classes === undefined ? [] : await classNamesOf(flags.classes)
    const origin = flags['allow-origin']
    const allowedOrigins = origin === undefined ? [] : flagValue('allow-origin', origin, parseOrigins)
    const host = flags['allow-host']
    const allowedHosts = host === undefined ? [] : flagValue('allow-host', host, parseHosts)
    const environment = readEnvironment(process.env)
    const asked = requestedEndpoints(flags, environment)
    if (!existsSync(SITE))
      throw new Error('the dashboard is not built: run it with npm start, or npm run build:web first')

    if (flags.fresh) removeState(flags.state)
    const demo = !flags['no-demo']
    const opened = await openState(flags.state, {
      slotMs: slotMs ?? (demo ? MINUTE_MS : HOUR_MS),
      demo,
      createdMs: Date.now(),
    })
    if (slotMs !== undefined && slotMs !== opened.slotMs) {
      throw new UsageError(
        `--slot: the state in ${flags.state} has slots of ${opened.slotMs / 1000} s; --fresh starts again`,
      )
    }
    const lock = lockState(flags.state)
    const settings = await identifyState(flags.state, opened)
    const endpoints = endpointsOf(flags.state, settings, asked)
    const writeLog = (line: string) => process.stderr.write(line)
    const runtime = await openLocalRuntime(flags.state, settings, endpoints, environment, writeLog, {
      acceptsLostRecords: flags['accept-lost-records'],
    })
    await runtime.openLogAndStore()
    await storeEndpoints(flags.state, settings, asked)
    if (classNames.length > 0) await runtime.addClasses(classNames)
    if (settings.demo) await importDemoHistory(runtime, settings.createdMs)
    const system = await startSystem({
      ...{ runtime, rules, site: SITE },
      ...{ port, allowedOrigins, allowedHosts },
    })

    // Installs the signal handlers before the message is printed: a reader of the message may stop the system at once.
    const stopping = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
    process.stdout.on('error', () => {})
    process.stdout.write(`landcover is running: http://localhost:${system.port}\n`)
    process.stdout.write(`State in ${flags.state}. Ctrl-C stops; the next start continues where this one ended.\n`)
    if (demo && !settings.demo) process.stdout.write('The state was made without demo data, so none is added.\n')
    const streaming = demo && settings.demo ? streamDemoImages(system.log, runtime.logger, stopping.signal) : undefined
    await new Promise(resolve => stopping.signal.addEventListener('abort', resolve))
    await streaming
    await system.stop()
    await runtime.close()
    lock.release()
    process.stdout.write('Stopped.\n')
    return 0
  },
)

async function classNamesOf(file: string): Promise<string[]> {
  try {
    return await readClassNames(file)
  } catch (error) {
    throw new UsageError(`--classes: ${(error as Error).message}`)
  }
}
