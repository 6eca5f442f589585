import { expect, it } from 'vitest'
import { memoryObjectStore } from '../../functions/adapters/memory-object-store.ts'
import { openSlackReceiver } from '../../functions/adapters/receivers/slack.ts'
import type { Incident } from '../../functions/core/incidents/incident.ts'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import { dryRun } from '../../functions/notify/dry-run.ts'
import { LEASE_MS, openLedger } from '../../functions/notify/ledger.ts'
import { NOTHING_DECIDED, openNotifier } from '../../functions/notify/notify.ts'
import type { Outcome, Post, Receiver } from '../../functions/ports/receiver.ts'
import { collectingLogger, NOON_MS } from '../support/factories.ts'
import { openIncident } from '../support/incidents.ts'
import { serveSlack } from '../support/receiver-servers.ts'

const LATER: Outcome = { kind: 'later', reason: 'out of reach', afterMs: null, mayHaveArrived: false }

/** Receiver that notes posts and answers as it is told; sent by default. */
function notingReceiver(changes: Partial<Receiver> = {}) {
  const posts: Post[] = []
  const answers: (Outcome | (() => Promise<Outcome>))[] = []
  const receiver: Receiver = {
    ...{ mostMessages: 46, digestHour: null, gapMs: 0, isQuiet: () => false, takes: () => true },
    async post(post) {
      posts.push(post)
      const answer = answers.shift() ?? { kind: 'sent' }
      return typeof answer === 'function' ? answer() : answer
    },
    ...changes,
  }
  return { posts, answers, receiver }
}

function open(receivers: Record<string, Receiver>) {
  const world = { nowMs: NOON_MS, incidents: [] as Incident[], skipped: null as string | null, slept: [] as number[] }
  const objects = memoryObjectStore()
  const failing = new Map<string, string>()
  const start = (owner = 'first', whileReading = async () => {}) =>
    openNotifier({
      objects,
      receivers: new Map(Object.entries(receivers)),
      routes: [],
      async incidents() {
        await whileReading()
        return world
      },
      decided: async () => NOTHING_DECIDED,
      owner,
      now: () => world.nowMs,
      async sleep(ms) {
        world.slept.push(ms)
        world.nowMs += ms
      },
      failures: {
        failed: (component, error) => void failing.set(component, (error as Error).message),
        recovered: component => void failing.delete(component),
      },
      logger: collectingLogger(),
    })
  return { world, objects, failing, start }
}

it('an incident is reported once, in one post with others of the same time, and its end once', async () => {
  const { posts, receiver } = notingReceiver()
  const { world, start } = open({ team: receiver })
  const { round } = start()
  await round()
  expect(posts).toEqual([])
  world.incidents = [openIncident(), openIncident({ id: 'b', site_id: 'stand-2' })]
  await round()
  await round()
  expect(posts.map(({ messages }) => messages.map(({ kind, thread }) => `${kind} ${thread}`))).toEqual([
    ['opened a', 'opened b'],
  ])
  world.incidents = [openIncident({ state: 'recovered', closed_at: '2026-11-22T00:00:00.000Z' })]
  await round()
  expect(posts[1]?.messages.map(({ kind, thread }) => `${kind} ${thread}`)).toEqual(['ended a', 'withdrawn b'])
})

it('no message is withdrawn while incidents were not judged', async () => {
  const { posts, receiver } = notingReceiver()
  const { world, start } = open({ team: receiver })
  const { round } = start()
  world.incidents = [openIncident()]
  await round()
  Object.assign(world, { incidents: [], skipped: 'too many looks' })
  await round()
  expect(posts).toHaveLength(1)
})

it('an outage of one receiver does not delay the other, and is shown in health until it ends', async () => {
  const gone = notingReceiver()
  const well = notingReceiver()
  const { world, failing, start } = open({ gone: gone.receiver, well: well.receiver })
  const { round } = start()
  gone.answers.push(LATER, LATER)
  world.incidents = [openIncident()]
  await round()
  expect([gone.posts.length, well.posts.length]).toEqual([1, 1])
  expect([...failing]).toEqual([['Telling gone', 'out of reach']])
  await round()
  expect(gone.posts).toHaveLength(1)
  world.nowMs += 30 * SECOND_MS
  await round()
  world.nowMs += 30 * SECOND_MS
  await round()
  expect(gone.posts).toHaveLength(2)
  world.nowMs += 30 * SECOND_MS
  await round()
  expect(gone.posts).toHaveLength(3)
  expect(new Set(gone.posts.map(({ id }) => id)).size).toBe(1)
  expect(gone.posts.map(({ isRepeated }) => isRepeated)).toEqual([false, false, false])
  expect([...failing]).toEqual([])
})

it('a receiver that asks for a pause gets it', async () => {
  const { posts, answers, receiver } = notingReceiver()
  const { world, start } = open({ team: receiver })
  const { round } = start()
  answers.push({ ...LATER, afterMs: 10 * MINUTE_MS })
  world.incidents = [openIncident()]
  await round()
  world.nowMs += 10 * MINUTE_MS - 1
  await round()
  expect(posts).toHaveLength(1)
  world.nowMs += 1
  await round()
  expect(posts).toHaveLength(2)
})

it('a post that may have arrived says so when it is sent again, and one that cannot have arrived does not', async () => {
  for (const mayHaveArrived of [true, false]) {
    const { posts, answers, receiver } = notingReceiver()
    const { world, start } = open({ team: receiver })
    const { round } = start()
    await round()
    world.incidents = [openIncident()]
    answers.push({ ...LATER, afterMs: 1, mayHaveArrived })
    await round()
    world.nowMs += 2
    await round()
    expect(posts.map(({ isRepeated }) => isRepeated)).toEqual([false, mayHaveArrived])
  }
})

it('a receiver that stays away is tried less and less often, and every 15 minutes in the end', async () => {
  const { posts, answers, receiver } = notingReceiver()
  const { world, start } = open({ team: receiver })
  const { round } = start()
  await round()
  world.incidents = [openIncident()]
  answers.push(...Array<Outcome>(9).fill(LATER))
  const triedMs: number[] = []
  for (const untilMs = world.nowMs + 3 * HOUR_MS; world.nowMs < untilMs; world.nowMs += 10 * SECOND_MS) {
    await round()
    if (posts.length > triedMs.length) triedMs.push(world.nowMs)
  }
  const waits = triedMs.slice(1).map((ms, index) => (ms - (triedMs[index] as number)) / SECOND_MS)
  expect(waits).toEqual([30, 60, 120, 240, 480, 900, 900, 900, 900])
})

it('a message that is refused permanently is counted, and not sent again', async () => {
  const { posts, answers, receiver } = notingReceiver()
  const { world, objects, failing, start } = open({ team: receiver })
  const { round } = start()
  answers.push({ kind: 'refused', reason: 'too long' })
  world.incidents = [openIncident()]
  await round()
  await round()
  expect(posts).toHaveLength(1)
  expect(failing.size).toBe(0)
  expect((await openLedger(objects, 'team').read()).refused).toBe(1)
})

it('a program that ended between sending and marking leaves the post to the next, which says that it may be a copy', async () => {
  const { posts, answers, receiver } = notingReceiver()
  const { world, start } = open({ team: receiver })
  answers.push(() => new Promise(() => {}))
  world.incidents = [openIncident()]
  void start('first').round()
  while (posts.length === 0) await new Promise(resolve => setImmediate(resolve))
  const { round } = start('second')
  await round()
  expect(posts).toHaveLength(1)
  world.nowMs += LEASE_MS
  await round()
  expect(posts.map(({ isRepeated }) => isRepeated)).toEqual([false, true])
  expect(posts[1]?.id).toBe(posts[0]?.id)
})

it('news of an incident waits for the message of another program that is under way', async () => {
  const { posts, answers, receiver } = notingReceiver()
  const { world, start } = open({ team: receiver })
  const first = start('first')
  const second = start('second', async () => {
    if (posts.length > 0) return
    answers.push(LATER)
    world.incidents = [openIncident()]
    await first.round()
    world.incidents = [openIncident({ severity: 'error' })]
  })
  await second.round()
  world.nowMs += MINUTE_MS
  await first.round()
  const told = posts.map(({ messages }) => messages.map(({ kind, incident }) => `${kind} ${incident.severity}`).join())
  expect(told).toEqual(['opened warning', 'opened warning', 'changed error'])
})

it('Slack gets a message a second, also when there are many posts', async () => {
  const clock = { now: () => NOON_MS }
  const server = await serveSlack(() => clock.now())
  const { world, start } = open({ team: { ...openSlackReceiver({ url: server.url, page: null }), mostMessages: 1 } })
  clock.now = () => world.nowMs
  world.incidents = [openIncident(), openIncident({ id: 'b', site_id: 'stand-2' })]
  await start().round()
  expect(server.taken).toHaveLength(2)
  expect(world.slept).toEqual([1_000])
})

it('a round that is ended sends no further post', async () => {
  const stopping = new AbortController()
  const { posts, answers, receiver } = notingReceiver({ mostMessages: 1 })
  const { world, start } = open({ team: receiver })
  const { round } = start()
  answers.push(async () => {
    stopping.abort()
    return { kind: 'sent' }
  })
  world.incidents = [openIncident(), openIncident({ id: 'b', site_id: 'stand-2' })]
  await round(stopping.signal)
  expect(posts).toHaveLength(1)
  await round()
  expect(posts).toHaveLength(2)
})

it('a ledger with a missing or foreign entry is refused', async () => {
  const { receiver } = notingReceiver()
  const { world, objects, failing, start } = open({ team: receiver })
  world.incidents = [openIncident()]
  await start().round()
  const [first = '', second = ''] = await Array.fromAsync(objects.list('notifications/'))
  const bytes = (await objects.get(first)) as Uint8Array
  await objects.delete(first)
  await start().round()
  expect([...failing.values()]).toEqual([`the object ${first} is missing: restore it from a backup`])
  await objects.put(first, Buffer.from(Buffer.from(bytes).toString().replace('"format":1', '"format":2')))
  await start().round()
  expect([...failing.values()]).toEqual([`the object ${first} has format 2: run the landcover that wrote it`])
  await objects.put(first, bytes)
  await objects.put(second, Buffer.from('{"for'))
  await start().round()
  expect([...failing.values()]).toEqual([`the object ${second} is not a JSON document: restore it from a backup`])
})

it('a dry run prints what would have been sent: openings, ends and reminders of the period, also of imports', async () => {
  const { receiver } = notingReceiver()
  const day = (text: string) => `${text}T00:00:00.000Z`
  const incidents = [
    openIncident({ id: 'before', site_id: 's1', opened_at: day('2026-09-01'), closed_at: day('2026-11-05') }),
    openIncident({ id: 'in', site_id: 's2', opened_at: day('2026-11-10'), from_import: true }),
    openIncident({ id: 'after', site_id: 's3', opened_at: day('2026-12-01') }),
    openIncident({ id: 'over', site_id: 's4', opened_at: day('2026-08-01'), closed_at: day('2026-09-01') }),
  ].map(each => ({ ...each, state: each.closed_at === null ? ('confirmed' as const) : ('recovered' as const) }))
  const [fromMs, untilMs] = [Date.parse(day('2026-11-01')), Date.parse(day('2026-11-20')) + HOUR_MS]
  const objects = memoryObjectStore()
  const sent = await dryRun({
    incidents,
    receivers: new Map([['team', receiver]]),
    routes: [],
    fromMs,
    untilMs,
    objects,
  })
  const told = sent.flatMap(({ post }) =>
    post.messages.map(({ kind, thread }) => `${new Date(post.atMs).toISOString().slice(0, 10)} ${kind} ${thread}`),
  )
  expect(told).toEqual(['2026-11-05 ended before', '2026-11-10 opened in', '2026-11-17 reminder in'])
})

it('says for how long the oldest post waits that a receiver has not taken', async () => {
  const team = notingReceiver()
  const { world, start } = open({ team: team.receiver, others: notingReceiver().receiver })
  const { round, untoldMs } = start()
  await round()
  expect(untoldMs()).toBe(0)
  world.incidents = [openIncident()]
  team.answers.push(LATER, LATER)
  await round()
  world.nowMs += HOUR_MS
  await round()
  expect(untoldMs()).toBe(HOUR_MS)
  world.nowMs += HOUR_MS
  await round()
  expect(untoldMs()).toBe(0)
})
