import { knownHeaders } from './header-words.ts'
import { quoted } from './rows.ts'
import { timeReader } from './time-forms.ts'

/** Separators that files use, the usual one first. */
const SEPARATORS = [',', ';', '\t', '|'] as const

/** Number of lines in which the header is looked for. */
export const MAX_LINES_ABOVE = 40

/** Number of known headers by which a line is certainly the header. */
const SURE = 2

/** Place and form of a text's header. */
export interface HeaderPlace {
  separator: string
  /**
   * Index in the text at which the header's line begins; 0 when it is the first line that is neither blank nor a
   * comment.
   */
  offset: number
  /** Number of that line, from 1 on. */
  row: number
  /** Number of lines that name the columns together, as pandas and spreadsheets write headers of groups. */
  levels: 1 | 2 | 3
  notes: string[]
}

interface Line {
  text: string
  offset: number
  row: number
}

/**
 * Finds the header at the start of a text. It is the first line that is neither blank nor a comment. If that names no
 * columns that are known, and one of the next lines does, the lines above are titles and are skipped.
 *
 * @param start the first lines, or all
 * @param asked separator, if it is known
 * @param named headers that people named, as `headerKey` spells them
 */
export function findHeader(start: string, asked: string | undefined, named: ReadonlySet<string>): HeaderPlace {
  const lines = linesOf(start)
  const at = lines.findIndex(({ text }) => !isPreamble(text.trim()))
  const first = lines[at]
  const stated = /^(?:#[^\n\r]*[\r\n]+|[\r\n]+)*sep=(.)[ \t]*(?:\r\n|\n|\r)/i.exec(start)?.[1]
  const separator = asked ?? stated ?? separatorOf(first?.text)
  const place = { separator, offset: 0, row: 1, levels: 1, notes: [] } as const
  // A header whose names have line breaks cannot be told line by line.
  if (first === undefined || hasOpenQuote(first.text)) return { ...place, notes: [] }
  const count = knownHeaders(cellsOf(first.text, separator), named)
  const levels = levelsAt(lines, at, separator, named)
  if (levels > 1) return { ...place, levels, notes: [`${levels} lines name the columns together`] }
  if (count >= SURE) return { ...place, notes: [] }
  const isTime = timeReader({})
  // Several dates may be the headers of a wide table.
  if (cellsOf(first.text, separator).filter(cell => isTime(cell) !== null).length > 1) return { ...place, notes: [] }
  for (const [index, line] of lines.entries()) {
    if (index <= at || hasOpenQuote(line.text)) continue
    const own = asked ?? separatorOf(line.text)
    const cells = cellsOf(line.text, own)
    const isData = cells.some(cell => /^[+-]?[\d.,]+(e[+-]?\d+)?$/i.test(cell) || isTime(cell) !== null)
    const several = levelsAt(lines, index, own, named)
    if (isData || (several === 1 && knownHeaders(cells, named) < Math.max(SURE, count + 1))) continue
    const above = `the first ${index === 1 ? 'line is' : `${index} lines are`} skipped as a title: ${quoted(first.text.trim())}`
    return { separator: own, offset: line.offset, row: line.row, levels: several, notes: [above] }
  }
  return { ...place, notes: [] }
}

/** Returns true for a line that is blank, a comment or `sep=`. */
export function isPreamble(line: string): boolean {
  return line === '' || line.startsWith('#') || /^sep=.$/i.test(line) || line === 'sep='
}

function linesOf(text: string): Line[] {
  const lines: Line[] = []
  for (const match of text.matchAll(/([^\r\n]*)(?:\r\n|\n|\r|$)/g)) {
    lines.push({ text: match[1] as string, offset: match.index, row: lines.length + 1 })
    if (lines.length > MAX_LINES_ABOVE) break
  }
  return lines
}

function hasOpenQuote(line: string): boolean {
  return line.split('"').length % 2 === 0
}

/** Separator that occurs most often in a header, outside of quotes. */
function separatorOf(header: string | undefined): string {
  const bare = (header ?? '').replaceAll(/"[^"]*"/g, '')
  const counts = SEPARATORS.map(separator => bare.split(separator).length - 1)
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ','
}

/** Cells of a line without line breaks in quotes. */
function cellsOf(line: string, separator: string): string[] {
  const cells: string[] = []
  let isQuoted = false
  let cell = ''
  for (const character of line) {
    if (character === '"') isQuoted = !isQuoted
    else if (character === separator && !isQuoted) {
      cells.push(cell.trim())
      cell = ''
    } else cell += character
  }
  return [...cells, cell.trim()]
}

/** Number of lines from one on that name the columns together: 2 if it names groups, 3 if index names follow. */
function levelsAt(lines: readonly Line[], at: number, separator: string, named: ReadonlySet<string>): 1 | 2 | 3 {
  const [groups, names, index] = [0, 1, 2].map(next => cellsOf(lines[at + next]?.text ?? '', separator))
  if (!groups || !names || names.length !== groups.length || names.filter(isFilled).length < 2) return 1
  const isTime = timeReader({})
  if (names.some(name => /^[+-]?\d*[.,]?\d+$/.test(name) || isTime(name) !== null)) return 1
  const known = knownHeaders(groups, named)
  const two = joinLevels([groups, names])
  const isGrouped = groups.some((group, place) => !isFilled(group) || groups.indexOf(group) !== place)
  if (!isGrouped || !names.some(name => STATISTIC.test(name))) return 1
  const isIndex = index?.length === two.length && two.every((name, place) => isFilled(name) !== isFilled(index[place]))
  const joined = isIndex ? joinLevels([groups, names, index as string[]]) : two
  if (knownHeaders(joined, named) <= known) return 1
  return isIndex ? 3 : 2
}

function isFilled(cell: string | undefined): boolean {
  return cell !== undefined && cell !== ''
}

const STATISTIC = /^(mean|avg|average|std|stdev|stddev|sd|min|max|median|count|sum)$/i

/** Names of columns by the lines above each other. A group's name counts for the statistics right of it, too. */
export function joinLevels([groups = [], names = [], index = []]: readonly (readonly string[])[]): string[] {
  let last = ''
  return groups.map((cell, at) => {
    const group = cell.trim()
    if (isFilled(group)) last = group
    const name = (names[at] ?? '').trim()
    const of = isFilled(group) || !STATISTIC.test(name) ? group : last
    if (!isFilled(name) || of.toLowerCase().endsWith(name.toLowerCase())) return of || (index[at] ?? '').trim()
    return isFilled(of) ? `${of}_${name}` : name
  })
}
