import { stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { ImageError } from '../errors.ts'
import { type ByteSource, openFile } from '../tiff/source.ts'

/**
 * Returns the file for an href of an item. It must be in the item's folder or below: an item from an unknown source
 * must not read other files of this machine. If the href is a URL, the file of that name beside the item is used.
 *
 * @throws ImageError for any other href
 */
export async function fileOfHref(itemPath: string, href: string): Promise<string> {
  const folder = dirname(resolve(itemPath))
  if (/^[a-z][a-z0-9+.-]*:/i.test(href)) {
    const beside = join(folder, nameOf(href))
    if (await isFile(beside)) return beside
    throw new ImageError(`${itemPath}: ${href} is not on this machine; download it to ${beside}`)
  }
  const path = resolve(folder, href)
  const inside = relative(folder, path)
  if (isAbsolute(href) || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new ImageError(`${itemPath}: ${href} lies outside the item's folder; put the file beside the item`)
  }
  return path
}

/** Opens files that an item names. Files that a flag names may be anywhere. */
export function openFilesOf(itemPath: string, named: ReadonlySet<string>): (href: string) => Promise<ByteSource> {
  return async href => openFile(named.has(href) ? href : await fileOfHref(itemPath, href))
}

/** The last part of an address's path. An address that cannot be read has none. */
function nameOf(href: string): string {
  const { pathname = '' } = URL.parse(href) ?? {}
  try {
    return basename(decodeURIComponent(pathname))
  } catch {
    return basename(pathname)
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isFile(),
    () => false,
  )
}
