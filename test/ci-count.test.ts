import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from './support/temporary-folder.ts'

const COUNT = join(import.meta.dirname, '../.ci/count.cjs')

/** A report of vitest, as far as it is read. */
function report(numPassedTests: number, numFailedTests = 0, brokenFiles = 0) {
  const statuses = (status: string, count: number, failureMessages: string[] = []) =>
    Array.from({ length: count }, (_, index) => ({ status, fullName: `it ${status} ${index}`, failureMessages }))
  const status = numFailedTests > 0 ? 'failed' : 'passed'
  const ran = { name: 'x.test.ts', status, message: '', assertionResults: statuses('passed', numPassedTests) }
  ran.assertionResults.push(...statuses('failed', numFailedTests, ['Error: 1 is not 2']))
  const unread = { name: 'y.test.ts', status: 'failed', message: 'SyntaxError', assertionResults: [] }
  const broken = Array.from({ length: brokenFiles }, () => unread)
  const numTotalTests = numPassedTests + numFailedTests + 3
  const counts = { numPassedTests, numFailedTests, numPendingTests: 2, numTodoTests: 1, numTotalTests }
  return JSON.stringify({ ...counts, testResults: [ran, ...broken] })
}

function count(files: Record<string, string>, ...wanted: string[]) {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const { status, stdout } = spawnSync(process.execPath, [COUNT, folder, ...wanted], { encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n') }
}

it('adds up the tests of suites, and counts each check as one', () => {
  const files = { 'a.suite': '0\n', 'a.json': report(5), 'b.suite': '0\n', 'b.json': report(7), 'c.check': '0\n' }
  expect(count(files, 'a.suite', 'b.suite', 'c.check')).toEqual({
    status: 0,
    lines: ['13 passed, 0 failed, 6 skipped'],
  })
})

it.each([
  [
    'a failed test, once, with its message',
    { 'a.suite': '1', 'a.json': report(5, 2) },
    ['FAILED x.test.ts > it failed 0: Error: 1 is not 2', 'FAILED x.test.ts > it failed 1: Error: 1 is not 2'],
    '5 passed, 2 failed, 3 skipped',
  ],
  [
    'a file that could not be run',
    { 'a.suite': '1', 'a.json': report(5, 0, 1) },
    ['FAILED y.test.ts: SyntaxError'],
    '5 passed, 1 failed, 3 skipped',
  ],
  ['no report', { 'a.suite': '0' }, ['a: left no report'], '0 passed, 1 failed, 0 skipped'],
  [
    'half a report',
    { 'a.suite': '137', 'a.json': report(5).slice(0, 99) },
    ['a: left no report'],
    '0 passed, 1 failed, 0 skipped',
  ],
  [
    'a bad end without a failed test',
    { 'a.suite': '1', 'a.json': report(5) },
    ['a: ended with 1, although no test failed'],
    '5 passed, 1 failed, 3 skipped',
  ],
  ['a suite that was never run', {}, ['a: was not run to its end'], '0 passed, 1 failed, 0 skipped'],
  [
    'a suite without a test',
    {
      'a.suite': '0',
      'a.json':
        '{"numPassedTests":0,"numFailedTests":0,"numPendingTests":0,"numTodoTests":0,"numTotalTests":0,"testResults":[]}',
    },
    ['a: ran no test'],
    '0 passed, 1 failed, 0 skipped',
  ],
] as [string, Record<string, string>, string[], string][])('counts as failed: %s', (_, files, reasons, last) => {
  const { status, lines } = count(files, 'a.suite')
  expect(status).toBe(1)
  // A test stands twice: with its message, and by its name at the end.
  const names = reasons.map(reason => /^FAILED (.*?): /.exec(reason)?.[1] ?? reason)
  const messages = reasons.filter(reason => reason.startsWith('FAILED'))
  expect(lines).toEqual([...messages, 'Failed:', ...names.map(name => `  ${name}`), last])
})

it.each([
  ['that fails', { 'c.check': '2' }, 'c: ended with 2'],
  ['that was never run', {}, 'c: was not run to its end'],
] as [string, Record<string, string>, string][])('counts a check %s as failed', (_, files, reason) => {
  expect(count(files, 'c.check')).toEqual({
    status: 1,
    lines: ['Failed:', `  ${reason}`, '0 passed, 1 failed, 0 skipped'],
  })
})

it('names all that failed directly before its last line, in the order of its arguments', () => {
  const files = { 'lint.check': '1', 'a.suite': '1', 'a.json': report(5, 1), 'b.check': '2', 'c.check': '0' }
  expect(count(files, 'lint.check', 'a.suite', 'b.check', 'c.check').lines).toEqual([
    'FAILED x.test.ts > it failed 0: Error: 1 is not 2',
    'Failed:',
    '  lint: ended with 1',
    '  x.test.ts > it failed 0',
    '  b: ended with 2',
    '6 passed, 3 failed, 3 skipped',
  ])
})
