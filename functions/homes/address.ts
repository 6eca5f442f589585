/** Where a server's log or store is: `SCHEME://HOST[:PORT][,HOST[:PORT]…]/NAME`, or `SCHEME://NAME` without hosts. */
export interface Address {
  scheme: string
  /** As written, with or without ports. */
  hosts: string[]
  name: string | undefined
}

const ADDRESS = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(?:\/([^/?#]*))?$/
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/**
 * @param text what a person gave
 * @param shape the shape it should have, for the message
 * @throws Error when it has another, or holds a password, which argument lists and logs would show
 */
export function parseAddress(text: string, shape: string): Address {
  const [, scheme = '', hosts = '', name] = ADDRESS.exec(text) ?? []
  if (text.includes('@')) {
    const prefix = `LANDCOVER_${(/^[a-z]+/.exec(text)?.[0] ?? 'kafka').toUpperCase()}`
    throw new Error(
      `a user name or password does not belong into an address: set ${prefix}_USERNAME and ${prefix}_PASSWORD, or ${prefix}_PASSWORD_FILE with the name of a file`,
    )
  }
  const list = hosts.split(',')
  if (!scheme || !list.every(host => HOST.test(host))) throw new Error(`'${text}' is no address: write ${shape}`)
  return { scheme, hosts: list, name: name || undefined }
}
