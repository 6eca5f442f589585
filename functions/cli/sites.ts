import { writeFile } from 'node:fs/promises'
import { readSites } from '../images/sites/read-sites.ts'
import {
  listSitesVersions,
  newestSitesVersion,
  readStoredSites,
  type SitesVersion,
  sitesToGeoJson,
  storeSites,
} from '../images/sites/stored-sites.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { runCommand, UsageError, wholeNumber } from './command.ts'
import { RUNTIME_FLAGS, withRuntime } from './runtime.ts'
import { SITE_FIELD_FLAGS } from './site-flags.ts'

await runCommand(
  {
    usage: 'npm run sites -- import FILE | list | export [flags]',
    summary:
      'Keeps the sites of a system: outlines with an id and a class. An import makes a new version, which holds all sites;\n' +
      'older versions stay. npm run observe takes the newest version when it gets no --sites.',
    flags: {
      ...SITE_FIELD_FLAGS,
      version: { type: 'string', value: 'NUMBER', help: 'Version to export; the newest by default' },
      out: {
        type: 'string',
        value: 'FILE',
        help: 'GeoJSON file to which the sites are exported; standard output by default',
      },
      ...RUNTIME_FLAGS,
    },
    arguments: 2,
  },
  async (flags, action, file) => {
    if (action === 'import') {
      if (file === undefined) throw new UsageError('import takes a file: .geojson, .parquet or .shp')
      const fields = { siteId: flags['site-id'], className: flags.class }
      return withRuntime(flags, runtime => importSites(runtime, file, fields))
    }
    if (file !== undefined) throw new UsageError(`'${file}' is one argument too many`)
    if (action === 'list') return withRuntime(flags, listVersions)
    if (action === 'export') return withRuntime(flags, runtime => exportSites(runtime, flags))
    throw new UsageError('say what to do: import FILE, list, or export')
  },
)

async function importSites(
  { objects, classes }: Runtime,
  file: string,
  fields: { siteId: string; className: string },
): Promise<number> {
  const { sites, withoutArea } = await readSites(file, fields)
  const importedAt = new Date().toISOString()
  const { version, isNew } = await storeSites(objects, sites, { source: file, importedAt })
  const known = await classes()
  const unknown = [...new Set(sites.map(({ className }) => className))].filter(name => !known.has(name)).sort()
  const told = [
    isNew
      ? `sites: version ${version.version} has ${sites.length} sites`
      : `sites: version ${version.version} has the same sites`,
    withoutArea > 0 && `${withoutArea} features without an area left out`,
    unknown.length > 0 && `the system does not know these classes yet: ${unknown.slice(0, 20).join(', ')}`,
  ]
  process.stdout.write(`${told.filter(part => part !== false).join('; ')}\n`)
  return 0
}

async function listVersions({ objects }: Runtime): Promise<number> {
  const versions = await listSitesVersions(objects)
  if (versions.length === 0) process.stdout.write('no sites are stored\n')
  for (const { version, sites, importedAt, source } of versions) {
    process.stdout.write(`version ${version}: ${sites} sites, imported ${importedAt} from ${source}\n`)
  }
  return 0
}

async function exportSites(
  { objects }: Runtime,
  { version: asked, out }: { version?: string | undefined; out?: string | undefined },
): Promise<number> {
  const text = sitesToGeoJson((await readStoredSites(objects, await versionOf(objects, asked))).sites)
  if (out === undefined) process.stdout.write(text)
  else await writeFile(out, text)
  return 0
}

async function versionOf(objects: Runtime['objects'], asked: string | undefined): Promise<SitesVersion> {
  if (asked === undefined) {
    const newest = await newestSitesVersion(objects)
    if (newest) return newest
    throw new Error('no sites are stored: npm run sites -- import FILE')
  }
  const number = wholeNumber('version', asked, 1, 1e9)
  const found = (await listSitesVersions(objects)).find(({ version }) => version === number)
  if (found) return found
  throw new Error(`there is no version ${number} of the sites: see npm run sites -- list`)
}
