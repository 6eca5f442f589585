/*
 * Ends the process with one line where Node is too old to run landcover. Loaded first by the commands of package.json,
 * and by the program of the package, as CommonJS in old syntax, so that every Node can read it.
 */

/** The first Node with `import.meta.main`; it also runs TypeScript as it is. */
const NEEDED = [24, 2]

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  // The sources are TypeScript in a checkout and JavaScript in the package, which brings no Node.
  // biome-ignore lint/style/useNodejsImportProtocol: Node before 14.18 does not know node:fs.
  const isPackage = require('fs').existsSync(`${__dirname}/command.js`)
  const advice = isPackage
    ? 'install a newer one, or let npm bring one for this call: npx --package node@24 --package landcover landcover'
    : 'run npm ci, which brings one into node_modules, or install one yourself where it brings none ' +
      '(with --omit=optional, or on a rare platform)'
  console.error(
    `landcover needs Node ${NEEDED.join('.')} or newer, and this is Node ${process.versions.node}: ${advice}`,
  )
  process.exit(1)
}
