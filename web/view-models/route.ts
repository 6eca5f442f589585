/** Part of the page that its address names. Addresses without one show the overview. */
export type Route = { name: 'overview' } | { name: 'site'; siteId: string } | { name: 'map' }

/** Reads the part after `#`: `#/sites/ID` or `#/map`. Others are places within the overview. */
export function routeOf(hash: string): Route {
  if (hash === '#/map') return { name: 'map' }
  const [, encoded] = /^#\/sites\/(.+)$/.exec(hash) ?? []
  if (encoded === undefined) return { name: 'overview' }
  try {
    return { name: 'site', siteId: decodeURIComponent(encoded) }
  } catch {
    // A sign of percent that stands for itself.
    return { name: 'site', siteId: encoded }
  }
}

/** Address of a site's page. */
export const siteHref = (siteId: string): string => `#/sites/${encodeURIComponent(siteId)}`
