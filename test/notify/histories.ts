import { type Random, randomNumbers } from '../../data/random.ts'
import { memoryObjectStore } from '../../functions/adapters/memory-object-store.ts'
import { POSTS_AN_HOUR } from '../../functions/core/incidents/delivery.ts'
import type { Incident } from '../../functions/core/incidents/incident.ts'
import { REMINDER_MS } from '../../functions/core/incidents/message-due.ts'
import { DAY_MS, formatTimestamp, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import { type Notifier, openNotifier } from '../../functions/notify/notify.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import type { Outcome, Post, Receiver } from '../../functions/ports/receiver.ts'
import { NOON_MS } from '../support/factories.ts'
import { openIncident } from '../support/incidents.ts'

/**
 * Histories of messages: incidents open, change, end, move and vanish, people mute and acknowledge, while the receiver
 * is out of reach, the store fails, and programs end at any moment and run beside each other. Messages that arrive must
 * be true, and none arrives twice unless it says so.
 */

const STEPS = 50
const SITES = 60
const STEPS_MS = [30 * SECOND_MS, 5 * MINUTE_MS, HOUR_MS, DAY_MS, 8 * DAY_MS]

class CrashError extends Error {}

interface World {
  random: Random
  nowMs: number
  incidents: Map<string, Incident>
  isSkipped: boolean
  /** Sites that are muted, and that somebody has acknowledged. */
  muted: Set<string>
  acknowledged: Set<string>
  /** Without faults: the end of a history. */
  isCalm: boolean
  /** Store as it is on the disk, and as programs reach it. */
  disk: ObjectStore
  objects: ObjectStore
  receiver: Receiver
  arrived: Post[]
  /** Threads of which a post was refused permanently: nothing more is demanded of them. */
  given: Set<string>
  breach: string | null
  programs: number
  /** Share of failures: 0 never, 1 often. */
  faultiness: number
}

/**
 * Plays a history.
 *
 * @returns the law that it breaks; null when it breaks none
 */
export async function playTelling(seed: number): Promise<string | null> {
  const world = newWorld(randomNumbers(seed, 0, 0))
  let program = startProgram(world)
  for (let step = 0; step < STEPS && world.breach === null; step++) {
    if (chance(world, 0.7)) change(world)
    if (chance(world, 0.2)) decide(world)
    if (chance(world, 0.3)) world.nowMs += STEPS_MS[Math.floor(world.random() * STEPS_MS.length)] as number
    const others = chance(world, 0.15) ? [startProgram(world)] : []
    const rounds = await Promise.allSettled([program, ...others].map(each => each.round()))
    if (rounds[0]?.status === 'rejected' || chance(world, 0.05)) program = startProgram(world)
  }
  if (world.breach) return world.breach
  Object.assign(world, { isCalm: true, isSkipped: false })
  world.muted.clear()
  program = startProgram(world)
  for (let hour = 0; hour < 60; hour++) {
    await program.round()
    world.nowMs += HOUR_MS
  }
  return world.breach ?? finalBreach(world)
}

function newWorld(random: Random): World {
  const disk = memoryObjectStore()
  const base = { random, nowMs: NOON_MS, incidents: new Map(), isSkipped: false, isCalm: false, disk, objects: disk }
  const world = {
    ...base,
    muted: new Set<string>(),
    acknowledged: new Set<string>(),
    arrived: [],
    given: new Set<string>(),
    breach: null,
    programs: 0,
    faultiness: 1,
  } as unknown as World
  world.faultiness = pick(world, [0, 0.2, 1])
  world.objects = faultyStore(world, disk)
  const isPager = chance(world, 0.4)
  world.receiver = {
    mostMessages: isPager ? 1 : pick(world, [2, 5, 46]),
    digestHour: !isPager && chance(world, 0.2) ? 7 : null,
    gapMs: 0,
    isQuiet: ({ kind, incident }) =>
      isPager && (kind === 'ended' || kind === 'withdrawn' || incident.closed_at !== null),
    takes: incident => !isPager || (incident.severity !== 'info' && incident.closed_at === null),
    post: post => receive(world, post),
  }
  return world
}

function startProgram(world: World): Notifier {
  return openNotifier({
    objects: world.objects,
    receivers: new Map([['team', world.receiver]]),
    routes: [],
    async incidents() {
      if (!world.isCalm && chance(world, 0.1)) change(world)
      return {
        skipped: world.isSkipped ? 'too many looks' : null,
        incidents: world.isSkipped ? [] : [...world.incidents.values()],
      }
    },
    decided: async () => ({
      isMuted: ({ site_id }) => world.muted.has(site_id as string),
      acknowledgedBy: ({ site_id }) => (world.acknowledged.has(site_id as string) ? 'Ann' : null),
    }),
    owner: `program ${++world.programs}`,
    now: () => world.nowMs,
    sleep: async () => {},
    failures: {
      failed(_, error) {
        if (error instanceof CrashError) throw error
      },
      recovered() {},
    },
    logger: { info() {}, warn() {} },
  })
}

/** Store whose writes fail before or after they are done, with an error or with the end of the program. */
function faultyStore(world: World, disk: ObjectStore): ObjectStore {
  return {
    ...disk,
    async putIfAbsent(key, bytes) {
      await turn()
      const fault = faultOf(world)
      if (fault < 0.03) throw new CrashError('the program ended before a write')
      if (fault < 0.06) throw new Error('the disk is full')
      const isFirst = await disk.putIfAbsent(key, bytes)
      if (fault < 0.09) throw new CrashError('the program ended after a write')
      if (fault < 0.1) throw new Error('the connection was lost after a write')
      return isFirst
    },
  }
}

async function receive(world: World, post: Post): Promise<Outcome> {
  await turn()
  const fault = faultOf(world)
  const later = { kind: 'later' as const, reason: 'out of reach', afterMs: null }
  if (fault < 0.05) throw new CrashError('the program ended before a message')
  if (fault < 0.15) return { ...later, mayHaveArrived: false }
  if (fault < 0.17) {
    for (const { thread } of post.messages) world.given.add(thread)
    return { kind: 'refused', reason: 'wrong' }
  }
  world.breach ??= await breachOf(world, post)
  world.arrived.push(post)
  if (fault < 0.22) throw new CrashError('the program ended after a message')
  if (fault < 0.27) return { ...later, mayHaveArrived: true }
  return { kind: 'sent' }
}

/** Laws that a post breaks when it arrives. */
async function breachOf(world: World, post: Post): Promise<string | null> {
  const { arrived, disk } = world
  const before = arrived.filter(({ id }) => id === post.id)
  if (before.length > 0) return post.isRepeated ? null : `post ${post.id} arrives twice and does not say so`
  const entries = await entriesOf(disk)
  for (const { thread, kind, incident } of post.messages) {
    if (!entries.some(text => text.includes(`"thread":"${thread}"`) && text.includes('"claim"'))) {
      return `a message of ${thread} comes before its row`
    }
    if (incident.from_import && thread === incident.id) return `${incident.id} came with an import and is told`
    const site = incident.site_id as string
    if (post.atMs === world.nowMs && world.muted.has(site)) return `${incident.id} is muted and told`
    if (post.atMs === world.nowMs && kind === 'reminder' && world.acknowledged.has(site)) {
      return `${incident.id} is acknowledged and reminded of`
    }
    if (kind === 'withdrawn' && post.atMs === world.nowMs && world.incidents.has(incident.id)) {
      return `${incident.id} is taken back, and is there`
    }
    const last = arrived.findLast(({ messages }) => messages.some(each => each.thread === thread))
    const news = last?.messages.find(each => each.thread === thread)
    if (!last || !news) continue
    if (kind === 'reminder' && post.atMs - last.atMs < REMINDER_MS && !world.given.has(thread)) {
      return `${thread} is reminded of too early`
    }
    if (
      kind === news.kind &&
      kind !== 'reminder' &&
      stateOf(incident) === stateOf(news.incident) &&
      !world.given.has(thread)
    ) {
      return `the same news of ${thread} comes twice: ${kind}`
    }
  }
  const hour = arrived.filter(each => each.atMs > post.atMs - HOUR_MS && isCounted(world, each))
  const ids = new Set([...hour, ...(isCounted(world, post) ? [post] : [])].map(({ id }) => id))
  return world.receiver.digestHour === null && ids.size > POSTS_AN_HOUR + 1 ? 'too many posts in an hour' : null
}

async function entriesOf(disk: ObjectStore): Promise<string[]> {
  const keys = await Array.fromAsync(disk.list(''))
  return Promise.all(keys.map(async key => Buffer.from((await disk.get(key)) ?? []).toString('utf8')))
}

function isCounted({ receiver }: World, { messages }: Post): boolean {
  return messages.some(message => !receiver.isQuiet(message))
}

function stateOf({ id, state, severity, cause }: Incident): string {
  return JSON.stringify([id, state, severity, cause])
}

/** Faults that are left when nothing has happened for days. */
function finalBreach({ incidents, arrived, receiver, given }: World): string | null {
  const last = new Map(arrived.flatMap(({ messages }) => messages.map(message => [message.thread, message] as const)))
  const told = [...last.values()].filter(({ thread }) => !given.has(thread))
  for (const { incident, kind } of told) {
    const now = incidents.get(incident.id)
    const saysOpen = kind !== 'withdrawn' && incident.closed_at === null
    if (saysOpen && !now) return `${incident.id} is gone, and nobody was told`
    if (saysOpen && now?.closed_at !== null) return `${incident.id} has ended, and nobody was told`
    if (saysOpen && now && stateOf(now) !== stateOf(incident)) return `a change of ${incident.id} was not told`
    if (kind === 'withdrawn' && now?.closed_at === null) return `${incident.id} was taken back and is open`
  }
  const known = new Set(
    [...last.values()].filter(({ kind }) => kind !== 'withdrawn').map(({ incident }) => incident.id),
  )
  const isGiven = (incident: Incident) => [...given].some(thread => thread.startsWith(`${incident.site_id}/`))
  for (const incident of incidents.values()) {
    const isDue = incident.closed_at === null && !incident.from_import && receiver.takes(incident)
    if (isDue && !known.has(incident.id) && !isGiven(incident)) return `${incident.id} is open, and nobody was told`
  }
  return null
}

/** Changes what is true. */
function change(world: World): void {
  const { incidents, nowMs } = world
  const time = formatTimestamp(nowMs)
  const kind = pick(world, [
    'open',
    'open',
    'open',
    'many',
    'end',
    'worse',
    'vanish',
    'move',
    'skip',
    'import',
    'reopen',
    'all worse',
  ])
  if (kind === 'skip') world.isSkipped = !world.isSkipped
  if (kind === 'open' || kind === 'import') open(world, Math.floor(world.random() * SITES), kind === 'import')
  if (kind === 'many') for (let site = 0; site < SITES; site++) open(world, site, false)
  if (kind === 'all worse')
    for (const each of incidents.values()) incidents.set(each.id, { ...each, severity: 'error' })
  const one = pick(world, [...incidents.values()])
  if (!one) return
  if (kind === 'end' && one.closed_at === null) {
    incidents.set(one.id, { ...one, state: pick(world, ['recovered', 'accepted']), closed_at: time })
  }
  if (kind === 'reopen' && !isOpenAt(world, one.site_id)) {
    incidents.set(one.id, { ...one, state: 'confirmed', closed_at: null })
  }
  if (kind === 'worse') incidents.set(one.id, { ...one, severity: pick(world, ['info', 'warning', 'error']) })
  if (kind === 'vanish') incidents.delete(one.id)
  if (kind === 'move') {
    incidents.delete(one.id)
    const moved = { ...one, id: idOf(world, one.site_id), opened_at: time }
    incidents.set(moved.id, moved)
  }
}

function open(world: World, site: number, isImport: boolean): void {
  const site_id = `s${site}`
  if (isOpenAt(world, site_id)) return
  const time = formatTimestamp(world.nowMs)
  const id = idOf(world, site_id)
  const severity = pick(world, ['info', 'warning', 'error'] as const)
  world.incidents.set(
    id,
    openIncident({ id, site_id, severity, first_at: time, opened_at: time, from_import: isImport }),
  )
}

function isOpenAt({ incidents }: World, site: string | null): boolean {
  return [...incidents.values()].some(({ site_id, closed_at }) => site_id === site && closed_at === null)
}

function idOf({ random }: World, site: string | null): string {
  return `${site}/${Math.floor(random() * 1e12).toString(36)}`
}

/** Random number below 1 that names a fault; 1 for none. */
function faultOf({ isCalm, faultiness, random }: World): number {
  return isCalm || faultiness === 0 ? 1 : Math.min(random() / faultiness, 1)
}

function chance({ random }: World, share: number): boolean {
  return random() < share
}

function pick<Value>({ random }: World, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)] as Value
}

/** Mutes sites, ends mutes, or acknowledges a site. */
function decide(world: World): void {
  const { muted, acknowledged } = world
  const site = `s${Math.floor(world.random() * SITES)}`
  const kind = pick(world, ['mute', 'end', 'mute all', 'end all', 'acknowledge'])
  if (kind === 'mute') muted.add(site)
  if (kind === 'end') muted.delete(site)
  if (kind === 'mute all') for (let each = 0; each < SITES; each++) muted.add(`s${each}`)
  if (kind === 'end all') muted.clear()
  if (kind === 'acknowledge') acknowledged.add(site)
}

/** Lets programs that run beside each other take turns. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
