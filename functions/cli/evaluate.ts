import { alertMessages } from '../core/incidents/messages.ts'
import type { Direction } from '../core/incidents/site-change.ts'
import { DETECTION, RENEWAL_DAYS } from '../core/looks/detection.ts'
import { judgeHistory } from '../core/looks/judge.ts'
import { parseTimestamp } from '../core/time.ts'
import { type Measure, type Measures, measure } from '../evaluation/measures.ts'
import { readLabels } from '../evaluation/read-labels.ts'
import { readLooks } from '../evaluation/read-looks.ts'
import { writeEvaluation } from '../evaluation/write.ts'
import { runCommand, UsageError, wholeNumber } from './command.ts'
import { MAPPING_FLAGS, mappingOf } from './mapping-flags.ts'
import { problemReport } from './problem-report.ts'
import { readReport } from './read-report.ts'

await runCommand(
  {
    usage: 'npm run evaluate -- --looks FILE [--labels FILE] [--out FOLDER] [flags]',
    summary:
      'Judges each look of a series as the alerts would have judged it on arrival: later looks do not change the verdict.\n' +
      'Looks are events with a site_id. cloud_fraction, valid_fraction and truth_quality are used if they are there.\n' +
      'With labels it prints how many events were found, and how many alerts were false.',
    flags: {
      looks: { type: 'string', value: 'FILE', help: 'Series of looks: CSV, JSON or Parquet' },
      labels: {
        type: 'string',
        value: 'FILE',
        help: 'Table of what really happened, with the columns site_id, kind, direction, start, known_by and end',
      },
      out: { type: 'string', value: 'FOLDER', help: 'Folder to which alerts.csv and verdicts.csv are written' },
      every: {
        type: 'string',
        value: 'DAYS',
        default: String(RENEWAL_DAYS),
        help: 'Number of days after which baselines are computed again',
      },
      rises: { type: 'boolean', help: 'Look for rises of NDVI instead of drops' },
      mask: { type: 'boolean', help: "Use truth_quality as the producer's mask: cloud, shadow and snow are not land" },
      from: { type: 'string', value: 'DAY', default: '1970-01-01', help: 'Count false alerts from this day on' },
      to: { type: 'string', value: 'DAY', default: '2100-01-01', help: 'Count false alerts before this day' },
      'quiet-before': { type: 'boolean', help: 'Alerts before the first event of a site are false, too' },
      ...MAPPING_FLAGS,
    },
  },
  async flags => {
    if (flags.looks === undefined) throw new UsageError('--looks takes a file of looks')
    const direction: Direction = flags.rises ? 'rise' : 'drop'
    const every = wholeNumber('every', flags.every, 1, 3_650)
    const [fromMs, untilMs] = [dayFlag('from', flags.from), dayFlag('to', flags.to)]
    const labels = flags.labels === undefined ? null : await readLabels(flags.labels)
    const tell = (line: string) => void process.stderr.write(`${line}\n`)
    const problems = problemReport(tell)
    const report = readReport(tell)
    const onProblem = (problem: string) => problems.add(problem, 'rows that were left out')
    const reading = { mapping: mappingOf(flags), now: Date.now, truthIsMask: flags.mask, onProblem }
    // Notes name truth_quality as a column that is not used, which it is here.
    const looks = await readLooks(flags.looks, { ...reading, report: { ...report, note: () => {} } })
    report.end()
    problems.end()
    const startedMs = performance.now()
    const { judged, histories, classes } = judgeHistory(
      looks.map(({ look }) => look),
      every,
      DETECTION,
    )
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    const sites = histories(direction)
    const messages = alertMessages(sites, direction, classes)
    const learned = sites.filter(({ judgedFromMs }) => judgedFromMs !== null).length
    const joined = messages.filter(({ isJoined }) => isJoined).length
    const land = judged.filter(({ verdict }) => verdict === 'land').length
    const say = (line: string) => process.stdout.write(`${line}\n`)
    say(
      `${looks.length} looks, ${land} at land, of ${sites.length} sites, judged in ${seconds} s; new baselines every ${every} days`,
    )
    say(
      `${learned} sites have learned what is normal; ${messages.length} alerts (${direction}s), ${joined} of them in the message of their class`,
    )
    const withoutSite = looks.filter(({ look }) => look.siteId === null).length
    if (withoutSite > 0)
      say(`${withoutSite} looks have neither site_id nor lon and lat: they are judged by their class only`)
    if (flags.out !== undefined) await writeEvaluation(flags.out, messages, judged)
    if (labels) {
      const others = labels.events.filter(event => event.direction !== direction).length
      if (others > 0) say(`${others} events are ${flags.rises ? 'drops' : 'rises: --rises looks for them'}`)
      const period = { fromMs, untilMs, direction, isQuietBefore: flags['quiet-before'] }
      for (const line of described(measure(looks, judged, messages, labels, period))) say(line)
    }
    return problems.total() > 0 ? 1 : 0
  },
)

function dayFlag(flag: string, text: string): number {
  const ms = parseTimestamp(text)
  if (ms === null) throw new UsageError(`--${flag} takes a day such as 2006-01-01, not '${text}'`)
  return ms
}

function described(measures: Measures): string[] {
  return [
    `found                       ${measures.found} of ${measures.events}`,
    `recall                      ${withInterval(measures.recall)}`,
    `found by chance             ${number(measures.chance)}`,
    `false alerts                ${measures.falseAlerts}`,
    `false per 100 clear looks   ${withInterval(measures.falsePer100Clear)}`,
    `false per site and year     ${number(measures.falsePerSiteYear)}`,
    `opened per 100 cloudy looks ${number(measures.openedPer100Cloudy)}`,
    `delay, median days          ${number(measures.delayDays)}`,
    `cloud recognised            ${number(measures.cloudRecognised)}`,
    `clear looks lost            ${number(measures.clearLost)}, in events ${number(measures.clearLostInEvents)}`,
  ]
}

function number(value: number | null): string {
  return value === null ? '-' : String(Number(value.toFixed(3)))
}

function withInterval({ value, interval }: Measure): string {
  return interval === null ? number(value) : `${number(value)} (95%: ${number(interval[0])} to ${number(interval[1])})`
}
