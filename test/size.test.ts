import { parseSync } from 'vite'
import { describe, expect, it } from 'vitest'
import { sourcesIn } from './support/sources.ts'

/** Maximum number of lines. */
const FUNCTION_LINES = 80
const FILE_LINES = 400

interface Node {
  type: string
  start: number
  end: number
  [key: string]: unknown
}

interface SourceFunction {
  name: string
  lines: number
}

/** The functions of a source text. A suite, whose callback holds tests, is none: its tests are. */
function functionsIn(file: string, source: string): SourceFunction[] {
  const found: SourceFunction[] = []
  const visit = (node: unknown, name: string): void => {
    if (Array.isArray(node)) for (const each of node) visit(each, name)
    if (!isNode(node)) return
    const own = nameOf(node) ?? name
    if (isFunction(node) && !own.startsWith('describe')) {
      found.push({ name: own, lines: source.slice(node.start, node.end).split('\n').length })
    }
    const inner = node.type === 'CallExpression' ? textOf(source, node.callee as Node) : own
    for (const value of Object.values(node)) visit(value, inner)
  }
  visit(parseSync(file, source).program, '')
  return found
}

function isNode(value: unknown): value is Node {
  return typeof (value as Node | null)?.type === 'string'
}

function isFunction({ type, body }: Node): boolean {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(type) && body !== null
}

/** The name that a node gives to itself, or to the function in it. */
function nameOf({ type, id, key }: Node): string | undefined {
  const named = /^(FunctionDeclaration|VariableDeclarator)$/.test(type) ? id : key
  return (named as { name?: string } | null | undefined)?.name
}

function textOf(source: string, { start, end }: Node): string {
  return source.slice(start, end)
}

function longFunctions(file: string, source: string): string[] {
  return functionsIn(file, source)
    .filter(({ lines }) => lines > FUNCTION_LINES)
    .map(({ name }) => `${file} ${name}`)
}

const linesOf = (source: string) => source.split('\n').length - 1

describe('functions and files are short', () => {
  const sources = sourcesIn('functions', 'web', 'infra', 'data', 'test')

  it(`each function: at most ${FUNCTION_LINES} lines`, () => {
    expect(sources.flatMap(({ file, source }) => longFunctions(file, source))).toEqual([])
  })

  it(`each file: at most ${FILE_LINES} lines`, () => {
    expect(sources.filter(({ source }) => linesOf(source) > FILE_LINES).map(({ file }) => file)).toEqual([])
  })

  it.each([
    ['function work() {', '}'],
    ['const work = async () => {', '}'],
    ['class Work { work() {', '} }'],
    ["describe('work', () => { it('works', () => {", '}) })'],
    ['export default { work: function () {', '} }'],
  ])('so that %s … %s of 81 lines is reported, and of 80 lines is not', (head, tail) => {
    const of = (lines: number) => longFunctions('x.ts', `${head}\n${'\n'.repeat(lines - 2)}${tail}`)
    expect(of(FUNCTION_LINES)).toEqual([])
    expect(of(FUNCTION_LINES + 1)).toHaveLength(1)
  })
})
