import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { toPosition } from '../../functions/core/lane.ts'
import { decodeRecord } from '../../functions/core/record.ts'
import { slotOf } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { parseClassList } from '../../functions/files/classes-csv.ts'

/**
 * Prints a table of records as people's senders write them, which are not part of the project: `npm run log-cases --
 * FOLDER`. The folder has a record in each file `*.bin`, and in `expected.json` the number of good events in each.
 * Exit code 1 if a record has fewer, and nothing in it is refused with a reason, or if it has more.
 */

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('give a folder with records (*.bin) and expected.json')

const root = join(import.meta.dirname, '../..')
const classes = parseClassList(readFileSync(join(root, 'data/classes.csv'), 'utf8'))
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, number>
const arrivalMs = Date.now()

const rows = globSync('*.bin', { cwd: folder })
  .sort()
  .map(file => {
    const name = basename(file, '.bin')
    const record = { lane: 'lane', position: toPosition(1), arrivalMs, data: readFileSync(join(folder, file)) }
    const { events, rejections } = decodeRecord(record, slotOf(arrivalMs, HOUR_MS), classes)
    const refused = rejections.map(({ reason, detail }) => `${reason}: ${detail}`).join('; ')
    const wanted = expected[name] ?? 0
    const isRight = events.length === wanted || (events.length < wanted && rejections.length > 0)
    return [name, `${wanted}`, `${events.length}`, refused, isRight ? 'right' : 'WRONG']
  })

const table = [['Record', 'Expected', 'Counted', 'Refused', 'Verdict'], ['---', '--:', '--:', '---', '---'], ...rows]
process.stdout.write(
  `${table.map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')}\n`,
)
if (rows.length === 0 || rows.some(cells => cells.at(-1) !== 'right')) process.exitCode = 1
