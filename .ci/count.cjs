// Adds up the results of checks and suites in a folder: NAME.check and NAME.suite hold an exit code, NAME.json a suite's
// report. Prints each failed test with the start of its message, then the names of all that failed, a line each, then
// `N passed, N failed, N skipped`. Ends with 1 when something failed or has no result. In old syntax, for the Node that CI
// has before npm ci.
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')

const [folder, ...wanted] = process.argv.slice(2)
const counts = { passed: 0, failed: 0, skipped: 0 }
/** Names of what failed, in the order of the arguments. */
const failures = []

function failed(name, why) {
  counts.failed++
  failures.push(`${name}: ${why}`)
}

/** Prints a failed test or file with the start of its message. */
function failedTest(name, message) {
  failures.push(name)
  console.log(`FAILED ${name}: ${startOf(message)}`)
}

/** @returns the report of a suite; undefined when there is none, or none that is whole */
function reportOf(name) {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
  } catch {
    return undefined
  }
}

/** @returns the first lines of a message, enough to see which assertion failed */
function startOf(message) {
  return String(message || 'no message')
    .split('\n')
    .slice(0, 12)
    .join('\n')
}

/** Prints the failed tests, and adds a suite's tests. @returns number of failures, including files that could not run */
function addTests(report) {
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every(each => each.status !== 'failed'),
  )
  for (const { name, message } of brokenFiles) failedTest(name, message)
  for (const { name, assertionResults } of report.testResults) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed') failedTest(`${name} > ${fullName}`, failureMessages.join('\n'))
    }
  }
  const failedTests = report.numFailedTests + brokenFiles.length
  counts.passed += report.numPassedTests
  counts.failed += failedTests
  counts.skipped += report.numPendingTests + report.numTodoTests
  return failedTests
}

for (const file of wanted) {
  const [name, kind] = file.split('.')
  const path = join(folder, file)
  const exitCode = existsSync(path) ? Number(readFileSync(path, 'utf8')) : null
  if (exitCode === null) failed(name, 'was not run to its end')
  else if (kind === 'check') {
    if (exitCode === 0) counts.passed++
    else failed(name, `ended with ${exitCode}`)
  } else {
    const report = reportOf(name)
    if (!report) failed(name, 'left no report')
    else if (addTests(report) === 0 && exitCode !== 0) failed(name, `ended with ${exitCode}, although no test failed`)
    else if (report.numTotalTests === 0) failed(name, 'ran no test')
  }
}
if (failures.length > 0) console.log(`Failed:\n  ${failures.join('\n  ')}`)
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed > 0 ? 1 : 0
