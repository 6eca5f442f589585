import { parseArgs } from 'node:util'
import { type Stage, stageNamed } from '../stages.ts'
import { onMsk } from './cost-log.ts'
import { type Costs, type Load, monthlyCost } from './cost-model.ts'
import { limitsOf, type Scale, scaleOf } from './limits.ts'
import { GB, MB } from './units.ts'

// Command line of the cost model: `npx node infra/tools/cost.ts --help`.

/** Stage with the given name. Settings that must be given at deployment do not change costs, so any value is used. */
export function stageToPrice(name: string): Stage {
  return stageNamed(name, setting => (['readers', 'alerts'].includes(setting) ? undefined : '192.0.2.0/24'))
}

/** Markdown table of costs: one row for each service, one column for each stage and load. */
export function costTable(columns: readonly { heading: string; costs: Costs }[]): string {
  const services = [...new Set(columns.flatMap(({ costs }) => Object.keys(costs)))]
  return markdownTable([
    ['Dollars a month', ...columns.map(({ heading }) => heading)],
    ...services.map(service => [service, ...columns.map(({ costs }) => rounded(costs[service] ?? 0))]),
    ['All', ...columns.map(({ costs }) => rounded(totalOf(costs)))],
  ])
}

const totalOf = (costs: Costs) => Object.values(costs).reduce((sum, dollars) => sum + dollars, 0)

/** Markdown table: the first row is the head, and all columns but the first are aligned to the right. */
function markdownTable(rows: readonly string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => (row[column] as string).length))) ?? []
  const padded = (row: readonly string[], filler: string) =>
    row.map((cell, column) => {
      const width = widths[column] as number
      return column === 0 ? cell.padEnd(width, filler) : cell.padStart(width, filler)
    })
  const [head, ...body] = rows.map(row => padded(row, ' '))
  const rule = padded(['', ...widths.slice(1).map(() => ':')], '-')
  return [head as string[], rule, ...body].map(cells => `| ${cells.join(' | ')} |\n`).join('')
}

/** A stage under a load, with the name of its column. */
interface Column {
  heading: string
  stage: Stage
  load: Load
}

/** Markdown table of what a stage does under each load, and which limit it reaches first. */
function scaleTable(columns: readonly Column[]): string {
  const scales = columns.map(({ stage, load }) => scaleOf(stage, load))
  const row = (name: string, of: (scale: Scale) => number) => [name, ...scales.map(scale => count(of(scale)))]
  return markdownTable([
    ['', ...columns.map(({ heading }) => heading)],
    row('Shards or partitions', ({ lanes }) => lanes),
    row('MB a second', ({ bytesPerSecond }) => bytesPerSecond / MB),
    row('Executions at the same time', ({ executions }) => executions),
    row('Write units a second', ({ writeUnits }) => writeUnits),
    row('CQL statements a second', ({ statements }) => statements),
    row('Unusual images a second', ({ unusualImages }) => unusualImages),
    row('GB that a batch run scans', ({ scannedBytes }) => scannedBytes / GB),
    row('Workers of compaction', ({ workers }) => workers),
    row('Files a day', ({ filesADay }) => filesADay),
    row('Files a day, compacted', ({ compactedADay }) => compactedADay),
    ['Dollars a month', ...columns.map(({ stage, load }) => count(totalOf(monthlyCost(stage, load))))],
    ...[0, 1, 2, 3].map(place => [
      place === 0 ? 'Reached first' : 'Then',
      ...columns.map(({ stage, load }) => fullness(stage, load, place)),
    ]),
  ])
}

/** Markdown table with a row for each stage and load: its costs, and the limit that it reaches first. */
function comparison(columns: readonly Column[]): string {
  return markdownTable([
    ['Stage and load', 'dollars a month', 'reached first'],
    ...columns.map(({ heading, stage, load }) => [
      heading,
      count(totalOf(monthlyCost(stage, load))),
      fullness(stage, load, 0),
    ]),
  ])
}

/** The limit at a place of the order by fullness, with its percentage. */
function fullness(stage: Stage, load: Load, place: number): string {
  const limit = limitsOf(stage, load)[place]
  return limit ? `${limit.name}: ${count((100 * limit.used) / limit.limit)} %` : ''
}

function count(value: number): string {
  return value < 100
    ? value.toLocaleString('en', { maximumSignificantDigits: 2 })
    : value.toLocaleString('en', { maximumFractionDigits: 0 })
}

function rounded(dollars: number): string {
  return dollars.toFixed(dollars < 100 ? 2 : 0)
}

const USAGE = `npx node infra/tools/cost.ts [--stage dev,prod] [--events 0,20] [--packed 1] [--dashboards 0] [--months 12]
  Prints what a stage costs in a month, with a column for each stage and each number of events a second.
  --packed       events in a record; several numbers make several columns
  --dashboards   open dashboards, on average over the day
  --months       age of the archive
  --log          kinesis,msk: the log of the stage, or MSK sized for the load; by default the log of the stage
  --brokers      brokers of MSK, 2 or 3
  --broker-type  type of the brokers, such as kafka.t3.small
  --broker-hour  dollars for an hour of a broker, from https://aws.amazon.com/msk/pricing/
  --scale        prints what the stage does instead, and which limits it reaches first
  --compare      prints a row for each column instead, with the limit that it reaches first
`

function main(): void {
  const { values } = parseArgs({
    options: {
      stage: { type: 'string', default: 'dev,prod' },
      events: { type: 'string', default: '0' },
      packed: { type: 'string', default: '1' },
      dashboards: { type: 'string', default: '0' },
      months: { type: 'string', default: '12' },
      log: { type: 'string', default: '' },
      brokers: { type: 'string', default: '3' },
      'broker-type': { type: 'string', default: 'kafka.t3.small' },
      'broker-hour': { type: 'string' },
      scale: { type: 'boolean', default: false },
      compare: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const columns = columnsOf(values)
  const withCosts = () => columns.map(({ heading, stage, load }) => ({ heading, costs: monthlyCost(stage, load) }))
  process.stdout.write(
    values.scale ? scaleTable(columns) : values.compare ? comparison(columns) : costTable(withCosts()),
  )
}

interface Options {
  stage: string
  events: string
  packed: string
  dashboards: string
  months: string
  log: string
  brokers: string
  'broker-type': string
  'broker-hour'?: string | undefined
}

/** One column for each stage, log, packing and number of events. */
function columnsOf(options: Options): Column[] {
  const brokers = numberOf('brokers', options.brokers, 2)
  if (brokers !== 2 && brokers !== 3) throw new Error(`--brokers must be 2 or 3, not ${brokers}`)
  const hour = options['broker-hour']
  const packings = options.packed.split(',')
  return options.stage.split(',').flatMap(name =>
    options.log.split(',').flatMap(log => {
      if (!['', 'kinesis', 'msk'].includes(log)) throw new Error(`--log must be kinesis or msk, not '${log}'`)
      return packings.flatMap(packed =>
        options.events.split(',').map(events => {
          const load: Load = {
            eventsPerSecond: numberOf('events', events, 0),
            eventsPerRecord: numberOf('packed', packed, 1),
            dashboards: numberOf('dashboards', options.dashboards, 0),
            months: numberOf('months', options.months, 0),
            brokerHour: hour === undefined ? undefined : numberOf('broker-hour', hour, 0),
          }
          const priced = stageToPrice(name)
          const stage = log === 'msk' ? onMsk(priced, { brokers, brokerType: options['broker-type'] }, load) : priced
          const packing = packings.length > 1 ? `, ${packed} packed` : ''
          return { heading: `${name}${log && `, ${log}`}, ${events}/s${packing}`, stage, load }
        }),
      )
    }),
  )
}

function numberOf(flag: string, text: string, min: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= min && value < Number.POSITIVE_INFINITY) return value
  throw new Error(`--${flag} must be a number of at least ${min}, not '${text}'`)
}

if (import.meta.main) {
  try {
    main()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
