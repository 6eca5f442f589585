import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { synthesized } from './synthesized.ts'

const ROOT = join(import.meta.dirname, '../..')
const RUNBOOK = readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8')

/** Sections below a second-level heading, by their third-level headings. */
function sections(chapter: string): Map<string, string> {
  const text = RUNBOOK.split(/^## /m).find(each => each.startsWith(`${chapter}\n`)) ?? ''
  const found = text.split(/^### /m).slice(1)
  return new Map(found.map(section => [section.slice(0, section.indexOf('\n')), section]))
}

/** Alarm names in the runbook, without the name of the stage. Alarms that share an entry share its heading. */
const entries = sections('Alarms')
const described = [...entries.keys()].flatMap(heading => heading.split(', '))

/** Name of an alarm without stage and region. */
function shortName({ AlarmName }: Record<string, unknown>): string {
  return String(AlarmName)
    .replace(/^landcover-(dev|prod)-/, '')
    .replace('-eu-central-1', '')
}

describe.each(['dev', 'prod', 'prod on MSK', 'dev with scenes'] as const)(
  'the runbook and the alarms of stage %s',
  name => {
    let alarms: string[]
    /** In the unit of each alarm's metric: counts, milliseconds, or percent. */
    let thresholds: Record<string, unknown>
    beforeAll(async () => {
      const found = (await synthesized(name)).properties('AWS::CloudWatch::Alarm')
      alarms = found.map(shortName)
      thresholds = Object.fromEntries(alarms.map((alarm, index) => [alarm, found[index]?.Threshold]).sort())
    })

    it('have the thresholds that were reviewed: a change shows in the snapshot', () => {
      expect(thresholds).toMatchSnapshot()
    })

    it('have an entry for each alarm', () => {
      expect(alarms.length).toBeGreaterThan(10)
      expect(alarms.filter(alarm => !described.includes(alarm))).toEqual([])
    })

    it('have only one entry for each alarm', () => {
      expect(described).toHaveLength(new Set(described).size)
    })
  },
)

describe('an entry of the runbook', () => {
  it.each([...entries])('%s says what it means, what to check and how to fix it', (_, section) => {
    for (const label of ['**Meaning.**', '**Check.**', '**Fix.**']) expect(section).toContain(label)
  })
})

describe('the runbook', () => {
  it('has no entry without an alarm', async () => {
    const stages = await Promise.all((['prod', 'prod on MSK', 'dev with scenes'] as const).map(synthesized))
    const alarms = stages.flatMap(stage => stage.properties('AWS::CloudWatch::Alarm').map(shortName))
    expect(described.filter(alarm => !alarms.includes(alarm))).toEqual([])
  })

  it('names no command of this project that does not exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
    const named = Array.from(RUNBOOK.matchAll(/npm run (\S+?)(?=[\s`:]|$)/g), ([, script]) => script)
    expect(named.filter(script => !Object.hasOwn(scripts, script as string))).toEqual([])
  })
})
