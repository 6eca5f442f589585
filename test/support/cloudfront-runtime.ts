import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { transformSync } from 'esbuild'

/** True if the njs of NGINX is installed. CloudFront functions run in an njs, not in Node: apt-get install njs. */
export const hasNjs = spawnSync('njs', ['-v']).status === 0

/**
 * Calls a CloudFront function in njs, once for each event.
 *
 * @returns what the function returned for each event
 * @throws Error with the message of njs, such as that of a token that it does not support
 */
export function inCloudFront(code: string, events: readonly unknown[]): unknown[] {
  const folder = mkdtempSync(join(tmpdir(), 'landcover-njs-'))
  try {
    const file = join(folder, 'function.js')
    writeFileSync(file, `${code}\nconsole.log(JSON.stringify(${JSON.stringify(events)}.map(handler)));\n`)
    const { status, stdout, stderr } = spawnSync('njs', [file], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`njs ended with ${status}: ${stderr}${stdout}`)
    return JSON.parse(stdout) as unknown[]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Checks that code uses only the syntax of ES5, which every runtime of CloudFront has. It needs no njs.
 *
 * @throws Error that names the first newer syntax
 */
export function checkOldSyntax(code: string): void {
  // Without a loader for old syntax esbuild refuses what it cannot rewrite; what it can rewrite shows as a difference.
  const written = (target: string) => transformSync(code, { target, minify: true }).code
  if (written('es5') !== written('esnext')) throw new Error('the code uses syntax that ES5 does not have')
}
