import { parseSync } from 'vite'

/** A small change of a module's source that a test should notice. */
export interface Mutant {
  file: string
  line: number
  /** Place of the changed node in the source. */
  start: number
  end: number
  before: string
  after: string
  /** An expression is replaced, a statement is left out, a block or the body of a function is emptied. */
  kind: 'expression' | 'statement' | 'block' | 'body'
}

interface Node {
  type: string
  start: number
  end: number
  [field: string]: unknown
}

type Note = (node: Node, after: string, kind?: Mutant['kind']) => void

/** Each operator, and what stands for it in a mutant. */
const OPERATORS: Record<string, readonly string[]> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '??=': ['&&='],
  '++': ['--'],
  '--': ['++'],
}

const METHODS: Record<string, string> = {
  min: 'max',
  max: 'min',
  some: 'every',
  every: 'some',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  floor: 'ceil',
  ceil: 'floor',
  toLowerCase: 'toUpperCase',
  toUpperCase: 'toLowerCase',
  find: 'findLast',
  findLast: 'find',
  indexOf: 'lastIndexOf',
  lastIndexOf: 'indexOf',
}

/** Methods whose result looks much like what they are called on. */
const DROPPED = new Set('sort toSorted filter slice subarray reverse toReversed trim trimStart trimEnd flat'.split(' '))

/** A module's mutants, in order of place, outer ones first. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const program = parse(source, file)
  const mutants: Mutant[] = []
  const note: Note = (node, after, kind = 'expression') => {
    const before = textOf(node, source)
    if (before === after) return
    const line = source.slice(0, node.start).split('\n').length
    mutants.push({ file, line, start: node.start, end: node.end, before, after, kind })
  }
  visit(program, source, note)
  return mutants
}

function parse(source: string, file = 'module.ts'): Node {
  const { program, errors } = parseSync(file, source)
  if (errors[0]) throw new Error(`${file}: ${errors[0].message}`)
  return program as unknown as Node
}

/** Statements that are an expression, without directives. */
function expressionStatements(node: Node): Node[] {
  const own = node.type === 'ExpressionStatement' && !node.directive ? [node] : []
  const children = Object.values(node).flat().filter(isNode)
  return [...own, ...children.flatMap(expressionStatements)]
}

function visit(node: Node, source: string, note: Note): void {
  if (isWithoutEffect(node)) return
  MUTATE[node.type]?.(node, source, note)
  for (const [field, value] of Object.entries(node)) {
    if (field === 'key' && !node.computed) continue
    // A type parameter or annotation of an expression says nothing at run time.
    if (node.type.startsWith('TS') && field !== 'expression') continue
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) visit(child, source, note)
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

/** Types, imports, and the text of errors: that they say what happened is read, not counted. */
function isWithoutEffect({ type, callee }: Node): boolean {
  if (type === 'ImportDeclaration' || type === 'ImportExpression' || type === 'ExportAllDeclaration') return true
  if (type === 'NewExpression') return /(Error|Failed|Refused|Problem)$/.test(String((callee as Node).name))
  return type.startsWith('TS') && !/^TS(As|NonNull|Satisfies|Instantiation)Expression$/.test(type)
}

const MUTATE: Record<string, (node: Node, source: string, note: Note) => void> = {
  BinaryExpression: ofOperator,
  LogicalExpression: ofOperator,
  AssignmentExpression: ofOperator,
  UpdateExpression: (node, source, note) => {
    note(
      node,
      textOf(node, source).replace(/\+\+|--/, sign => (sign === '++' ? '--' : '++')),
    )
  },
  UnaryExpression(node, source, note) {
    if (node.operator === '!' || node.operator === '-') note(node, textOf(node.argument as Node, source))
  },
  IfStatement: ofCondition,
  ConditionalExpression: ofCondition,
  WhileStatement: ofCondition,
  ForStatement: ofCondition,
  Literal: ofLiteral,
  TemplateLiteral: (node, _, note) => note(node, "''"),
  ArrayExpression: (node, _, note) => note(node, '[]'),
  ObjectExpression: (node, _, note) => note(node, '{}'),
  ArrowFunctionExpression(node, _, note) {
    const body = node.body as Node
    if (!node.expression) ofBody(node, '', note)
    // As a literal it is changed to the other, and undefined is as good as false.
    else if (typeof body.value !== 'boolean') note(body, 'undefined')
  },
  FunctionDeclaration: ofBody,
  FunctionExpression: ofBody,
  BlockStatement: (node, _, note) => {
    if (!isBody.has(node) && hasStatements(node)) note(node, '{}', 'block')
  },
  ExpressionStatement(node, _, note) {
    const expression = node.expression as Node
    const isSuper = expression.type === 'CallExpression' && (expression.callee as Node).type === 'Super'
    if (!node.directive && !isSuper) note(node, ';', 'statement')
  },
  CallExpression: ofCall,
  ChainExpression: (node, source, note) => {
    for (const link of optionalLinks(node.expression as Node)) {
      const from = source.indexOf('?.', link)
      const rest = source.slice(from + 2, node.end)
      note(node, source.slice(node.start, from) + (/^[[(]/.test(rest) ? '' : '.') + rest)
    }
  },
}

/** Blocks that are the bodies of functions: leaving them early empties them. */
const isBody = new WeakSet<Node>()

function ofBody(node: Node, _: string, note: Note): void {
  const body = node.body as Node | null
  if (!body) return
  isBody.add(body)
  if (hasStatements(body)) note(body, '{}', 'body')
}

function hasStatements({ body }: Node): boolean {
  return (body as Node[]).length > 0
}

function ofOperator(node: Node, source: string, note: Note): void {
  const left = node.left as Node
  const right = node.right as Node
  const operator = node.operator as string
  const isText = [left, right].some(({ type, value }) => type === 'TemplateLiteral' || typeof value === 'string')
  if (operator === '+' && isText) return
  for (const other of OPERATORS[operator] ?? []) {
    // && beside ?? must stand in parentheses.
    const [a, b] = [left, right].map(side => (isLogical(side) ? `(${textOf(side, source)})` : textOf(side, source)))
    note(node, `${a} ${other} ${b}`)
  }
}

function isLogical({ type }: Node): boolean {
  return type === 'LogicalExpression'
}

function textOf({ start, end }: Node, source: string): string {
  return source.slice(start, end)
}

function ofCondition(node: Node, _: string, note: Note): void {
  const test = node.test as Node | null
  if (!test) return
  note(test, 'false')
  // An endless loop would only show that tests end.
  if (node.type === 'IfStatement' || node.type === 'ConditionalExpression') note(test, 'true')
}

function ofLiteral(node: Node, _: string, note: Note): void {
  const { value, raw } = node as unknown as { value: unknown; raw: string }
  const regex = node.regex as { pattern: string; flags: string } | undefined
  if (regex) {
    const { pattern, flags } = regex
    if (pattern.startsWith('^')) note(node, `/${pattern.slice(1)}/${flags}`)
    if (pattern.endsWith('$')) note(node, `/${pattern.slice(0, -1)}/${flags}`)
  } else if (typeof value === 'number') note(node, `${raw} + 1`)
  else if (typeof value === 'bigint') note(node, `${raw} + 1n`)
  else if (typeof value === 'boolean') note(node, String(!value))
  else if (typeof value === 'string') note(node, value === '' ? "'mutant'" : "''")
}

function ofCall(node: Node, source: string, note: Note): void {
  const callee = node.callee as Node
  if (callee.type !== 'MemberExpression' || callee.computed) return
  const { start, name } = callee.property as { start: number; name: string }
  const other = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined
  const object = callee.object as Node
  if (other) note(node, source.slice(node.start, start) + other + source.slice(start + name.length, node.end))
  if (DROPPED.has(name)) note(node, textOf(object, source))
}

/** Offsets at which the object before each `?.` of a chain ends. */
function optionalLinks(node: Node): number[] {
  const inner = (node.object ?? node.callee ?? node.expression) as Node | undefined
  if (!inner || !/^(Member|Call|TSNonNull)Expression$/.test(node.type)) return []
  return [...optionalLinks(inner), ...(node.optional ? [inner.end] : [])]
}

/** @returns the source with all its mutants in it; `__mutant(id)` tells at run time whether one is on. */
export function withMutants(source: string, mutants: readonly { id: number; mutant: Mutant }[]): string {
  const opened: { at: number; text: string }[] = []
  const closed: { at: number; text: string }[] = []
  for (const { id, mutant } of mutants) {
    const { start, end, kind, after } = mutant
    const isOn = `__mutant(${id})`
    const wrap = {
      expression: [start, `(${isOn}?(${after}):(`, end, '))'],
      statement: [start, `{if(!${isOn})`, end, ';}'],
      block: [start + 1, `if(!${isOn}){`, end - 1, '}'],
      body: [start + 1, `if(${isOn})return;`, end - 1, ''],
    } as const
    const [from, before, to, behind] = wrap[kind]
    opened.push({ at: from, text: before })
    closed.unshift({ at: to, text: behind })
  }
  const starts = new Set(mutants.map(({ mutant }) => mutant.start))
  for (const { start, end } of expressionStatements(parse(source))) {
    if (!starts.has(start)) continue
    // Without a brace, the parenthesis would call what the line before ends with.
    opened.unshift({ at: start, text: '{' })
    closed.push({ at: end, text: ';}' })
  }
  // Where one node ends and the next begins, closing comes first; of two that end together, the inner one.
  const inserts = [...closed, ...opened].sort((a, b) => a.at - b.at)
  let text = ''
  let at = 0
  for (const insert of inserts) {
    text += source.slice(at, insert.at) + insert.text
    at = insert.at
  }
  return text + source.slice(at)
}
