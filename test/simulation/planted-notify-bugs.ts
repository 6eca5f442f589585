import type { PlantedBug } from './planted-bugs.ts'

const NOTIFY = 'functions/notify/notify.ts'
const DUE = 'functions/core/incidents/message-due.ts'
const DELIVERY = 'functions/core/incidents/delivery.ts'

/** Bugs of messages to receivers. test/notify/planted.test.ts must notice each. */
export const PLANTED_NOTIFY_BUGS: readonly PlantedBug[] = [
  {
    name: 'message before its row',
    file: NOTIFY,
    edits: [
      [
        'state = await ledger.append(claim)',
        `const before = { atMs: claim.atMs, ...planned, isRepeated: false }
        await receiver.post({ id: postId(name, state.sinceMs, claim.atMs), ...before })
        state = await ledger.append(claim)`,
      ],
    ],
  },
  {
    name: 'message lost that a program had claimed when it ended',
    file: NOTIFY,
    edits: [
      [
        'const turn = await takeOver(notifying, desk, pending)',
        `const turn = await takeOver(notifying, desk, pending)
        if (pending.owner !== notifying.owner) {
          await ledger.append({ type: 'sent', atMs: notifying.now(), claim: pending.claim })
          continue
        }`,
      ],
    ],
  },
  {
    name: 'all incidents withdrawn when nothing was judged',
    file: NOTIFY,
    edits: [['if (!found || found.skipped !== null) return null', 'if (!found) return null']],
  },
  {
    name: 'copy that does not say that it may be one',
    file: NOTIFY,
    edits: [['isRepeated: mayHaveArrived', 'isRepeated: false']],
  },
  {
    name: 'another id for each try',
    file: NOTIFY,
    edits: [['postId(name, sinceMs, claim)\n', 'postId(name, Math.random(), claim)\n']],
  },
  {
    name: 'message sent again because its mark could not be written',
    file: NOTIFY,
    edits: [['if (!unmarked.has(claim)) {', 'if (claim > 0) {']],
  },
  {
    name: 'a summary each time',
    file: DELIVERY,
    edits: [['recent.some(({ isSummary }) => isSummary)', 'recent.length < 0']],
  },
  {
    name: 'no limit of posts in an hour',
    file: DELIVERY,
    edits: [['counted.slice(0, Math.max(room, 0))', 'counted']],
  },
  {
    name: 'reminder counted from the opening, not from the last message',
    file: DUE,
    edits: [['rules.nowMs - toldMs >=', 'rules.nowMs - Date.parse(now.opened_at) >=']],
  },
  {
    name: 'message about an incident of an import',
    file: DUE,
    edits: [['if (incident.from_import || isJoined', 'if (isJoined']],
  },
  {
    name: 'no message when an incident opens again',
    file: DUE,
    edits: [
      [
        "if (now.state !== before.state) return isOpen ? 'changed' : 'ended'",
        "if (!isOpen && now.state !== before.state) return 'ended'\n  if (isOpen && before.closed_at !== null) return null",
      ],
    ],
  },
  {
    name: 'mute that does not hold for a new incident',
    file: DUE,
    edits: [['  if (rules.isMuted(incident, rules.nowMs)) return false\n', '']],
  },
  {
    name: 'mute that does not hold for an incident that was reported before',
    file: DUE,
    edits: [['if (kind && !rules.isMuted(incident, rules.nowMs)) due', 'if (kind) due']],
  },
  {
    name: 'mute that deletes: its incidents are left out, as if they had gone',
    file: NOTIFY,
    edits: [
      [
        'messagesDue(found.incidents, state.told.values(), {\n    ...decided,',
        `messagesDue(found.incidents.filter(each => !decided.isMuted(each, nowMs)), state.told.values(), {
        ...decided, isMuted: () => false,`,
      ],
    ],
  },
  {
    name: 'reminder of an acknowledged incident',
    file: DUE,
    edits: [
      ["if (rules.acknowledgedBy(now) !== null) return acknowledgedBy === undefined ? 'acknowledged' : null", ''],
    ],
  },
  {
    name: 'no message about a withdrawal',
    file: DUE,
    edits: [["return kind === 'withdrawn' ? null : 'withdrawn'", 'return kind === null ? kind : null']],
  },
]
