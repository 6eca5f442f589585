/*
 * Ends the process with one line where Node is too old to run the sources. Loaded first by the commands of
 * package.json, as CommonJS in old syntax, so that every Node can read it.
 */

/** The first Node with `import.meta.main`; it also runs TypeScript as it is. */
const NEEDED = [24, 2]

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(
    `landcover needs Node ${NEEDED.join('.')} or newer, and this is Node ${process.versions.node}: run npm ci, which brings one ` +
      'into node_modules, or install one yourself where it brings none (with --omit=optional, or on a rare platform)',
  )
  process.exit(1)
}
