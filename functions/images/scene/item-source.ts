import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { ImageError } from '../errors.ts'
import { type ByteSource, openFile } from '../tiff/source.ts'
import { type BucketAccess, isBucketAddress, openBucketFile, readBucketItem } from './bucket-source.ts'
import { hostOf, isWebAddress, openWebFile, readWebItem, type WebAccess } from './web-source.ts'

/** Hosts and buckets from which files may be read. */
export interface Access extends WebAccess {
  /** Absent: no bucket. */
  objects?: BucketAccess
}

/** Reads the text of an item from a path or an address. @throws ImageError when it cannot be read */
export async function readItem(item: string, access: Access): Promise<string> {
  if (isBucketAddress(item)) return readBucketItem(item, access.objects)
  if (isWebAddress(item)) return readWebItem(item, withHostOf(item, access))
  return readFile(item, 'utf8').catch(error => {
    throw new ImageError(`${item}: cannot be opened (${(error as NodeJS.ErrnoException).code}); give a STAC item`)
  })
}

/**
 * Returns the path or the address for an href of an item. A path must be in the item's folder or below: an item from
 * an unknown source must not read other files of this machine. For an address, the file of that name beside the item
 * comes first.
 *
 * @throws ImageError for any other href
 */
export async function placeOfHref(item: string, href: string): Promise<string> {
  if (isWebAddress(item) || isBucketAddress(item)) return placeOnTheWeb(item, href)
  const folder = dirname(resolve(item))
  if (/^[a-z][a-z0-9+.-]*:/i.test(href)) {
    const beside = join(folder, nameOf(href))
    if (await isFile(beside)) return beside
    if (isWebAddress(href)) return href
    throw new ImageError(`${item}: ${href} is not on this machine; download it to ${beside}`)
  }
  const path = resolve(folder, href)
  const inside = relative(folder, path)
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    const beside = join(folder, basename(href))
    if (isAbsolute(href) && (await isFile(beside))) return beside
    throw new ImageError(`${item}: ${href} lies outside the item's folder; put the file beside the item`)
  }
  return path
}

/**
 * Opens files that an item names. Files that a flag names may be anywhere.
 *
 * @param item path or address of the item; undefined if flags name all files
 */
export function openFilesOf(
  item: string | undefined,
  named: ReadonlySet<string>,
  access: Access,
): (href: string) => Promise<ByteSource> {
  return async href => {
    if (item === undefined || named.has(href)) return openPlace(href, withHostOf(href, access))
    return openPlace(await placeOfHref(item, href), withHostOf(item, access))
  }
}

function openPlace(place: string, access: Access): Promise<ByteSource> {
  if (isBucketAddress(place)) return openBucketFile(place, access.objects)
  return isWebAddress(place) ? openWebFile(place, access) : openFile(place)
}

/** Allows the host of an address that a person gave. */
function withHostOf(given: string, access: Access): Access {
  if (!isWebAddress(given)) return access
  if (!URL.canParse(given)) throw new ImageError(`${given}: is not an address; check it`)
  return { ...access, hosts: new Set([...access.hosts, hostOf(given)]) }
}

function placeOnTheWeb(item: string, href: string): string {
  const place = URL.parse(href, item)?.href
  if (place && (isWebAddress(place) || isBucketAddress(place))) return place
  throw new ImageError(`${item}: ${href} is not an address of the web; download the item and this file into one folder`)
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
