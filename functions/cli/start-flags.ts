import { DEFAULT_RULES, RULES } from '../core/rules/index.ts'
import type { Flag, Values } from './command.ts'
import { ENDPOINT_FLAGS } from './endpoint-flags.ts'

/** Flags of `npm start`. */
export const START_FLAGS = {
  config: {
    type: 'string',
    value: 'FILE.json',
    isOnce: true,
    help: 'Settings as JSON: the names of these flags, without --, with their values. Flags and variables of the environment rank above it',
  },
  port: { type: 'string', value: 'PORT', default: '8000', help: 'Port of the dashboard and the API' },
  host: {
    type: 'string',
    value: 'ADDRESS',
    default: '127.0.0.1',
    help: 'IP address to listen on; 0.0.0.0 is all of this machine. Others than loopback are open to the network',
  },
  state: { type: 'string', value: 'DIR', default: '.landcover/state', help: 'Folder that holds all state' },
  ...ENDPOINT_FLAGS,
  fresh: { type: 'boolean', isOnce: true, help: 'Remove the state and start again; data on other servers stays' },
  'accept-lost-records': {
    type: 'boolean',
    isOnce: true,
    help: 'Continue with a log that has lost records that were read before; says how many are missing',
  },
  'no-demo': { type: 'boolean', help: 'Start without demo data' },
  slot: {
    type: 'string',
    value: 'LENGTH',
    help: 'Length of arrival slots in a new state (default 1m, or 1h with --no-demo)',
  },
  lateness: {
    type: 'string',
    value: 'LENGTH',
    help: 'How long after its end a window waits for images before they count as late, 1m to 14d: as 2d for satellite images. Kept in the state (default 5m)',
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
  'base-path': {
    type: 'string',
    value: 'PATH',
    help: 'Path of page and API, as /landcover, behind a proxy that does not remove it (default: the root)',
  },
  'token-for': {
    type: 'string',
    value: 'SCOPE',
    help: 'Requests that need the token of LANDCOVER_TOKEN or LANDCOVER_TOKEN_FILE: writes (default), or all',
  },
  'log-level': {
    type: 'string',
    value: 'LEVEL',
    default: 'info',
    help: 'Lines of the log on standard error: warn, info, or debug with a line for each request',
  },
  classes: { type: 'string', value: 'FILE.csv', help: 'List of further land-cover classes (column class_name)' },
  alerts: {
    type: 'string',
    value: 'FILE.json',
    help: 'Receivers of incidents, and routes to them: see docs/alerts.md (default: nobody is told)',
  },
  rules: {
    type: 'string',
    value: 'NAMES',
    default: DEFAULT_RULES.map(rule => rule.name).join(),
    help: `Rules for unusual images, in order; the first that finds an image unusual counts: ${[...RULES.keys()].join(', ')}`,
  },
} as const satisfies Record<string, Flag>

/** Values of the flags of `npm start`. */
export type StartFlags = Values<typeof START_FLAGS>
