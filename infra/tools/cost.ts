import { parseArgs } from 'node:util'
import { type Stage, stageNamed } from '../stages.ts'
import { type Costs, monthlyCost } from './cost-model.ts'

// Command line of the cost model: `npx node infra/tools/cost.ts --help`.

/** Stage with the given name. Settings that must be given at deployment do not change costs, so any value is used. */
export function stageToPrice(name: string): Stage {
  return stageNamed(name, setting => (setting === 'readers' ? undefined : '192.0.2.0/24'))
}

/** Markdown table of costs: one row for each service, one column for each stage and load. */
export function costTable(columns: readonly { heading: string; costs: Costs }[]): string {
  const services = Object.keys(columns[0]?.costs ?? {})
  const total = (costs: Costs) => Object.values(costs).reduce((sum, dollars) => sum + dollars, 0)
  const rows = [
    ['Dollars a month', ...columns.map(({ heading }) => heading)],
    ...services.map(service => [service, ...columns.map(({ costs }) => rounded(costs[service] as number))]),
    ['All', ...columns.map(({ costs }) => rounded(total(costs)))],
  ]
  const widths = [0, ...columns.keys().map(column => column + 1)].map(column =>
    Math.max(...rows.map(row => (row[column] as string).length)),
  )
  const padded = (row: readonly string[], filler: string) =>
    row.map((cell, column) => {
      const width = widths[column] as number
      return column === 0 ? cell.padEnd(width, filler) : cell.padStart(width, filler)
    })
  const [head, ...body] = rows.map(row => padded(row, ' '))
  const rule = padded(['', ...columns.map(() => ':')], '-')
  return [head as string[], rule, ...body].map(cells => `| ${cells.join(' | ')} |\n`).join('')
}

function rounded(dollars: number): string {
  return dollars.toFixed(dollars < 100 ? 2 : 0)
}

const USAGE = `npx node infra/tools/cost.ts [--stage dev,prod] [--events 0,20] [--packed 1] [--dashboards 0] [--months 12]
  Prints what a stage costs in a month, with a column for each stage and each number of events a second.
  --packed      events in a record
  --dashboards  open dashboards, on average over the day
  --months      age of the archive
`

function main(): void {
  const { values } = parseArgs({
    options: {
      stage: { type: 'string', default: 'dev,prod' },
      events: { type: 'string', default: '0' },
      packed: { type: 'string', default: '1' },
      dashboards: { type: 'string', default: '0' },
      months: { type: 'string', default: '12' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const columns = values.stage.split(',').flatMap(name =>
    values.events.split(',').map(events => {
      const costs = monthlyCost(stageToPrice(name), {
        eventsPerSecond: numberOf('events', events, 0),
        eventsPerRecord: numberOf('packed', values.packed, 1),
        dashboards: numberOf('dashboards', values.dashboards, 0),
        months: numberOf('months', values.months, 0),
      })
      return { heading: `${name}, ${events}/s`, costs }
    }),
  )
  process.stdout.write(costTable(columns))
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
