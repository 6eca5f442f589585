/** Address of a log or a store: `SCHEME://HOST[:PORT][,HOST[:PORT]…][/NAME]`. */
export interface Address {
  scheme: string
  /** Hosts as written, with or without ports. */
  hosts: string[]
  name: string | undefined
}

const ADDRESS = /^([a-z]+):\/\/([^/?#]+)(?:\/([^/?#]*))?$/
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/**
 * Parses an address.
 *
 * @param shape example of an address of this kind
 * @param variables prefix of the environment variables for the log-in
 * @throws Error when the text is no such address, or contains a password, which would be visible in process lists and
 *   logs
 */
export function parseAddress(text: string, { shape, variables }: { shape: string; variables: string }): Address {
  if (text.includes('@')) {
    throw new Error(
      `an address takes no user name or password: set ${variables}USERNAME and ${variables}PASSWORD (or ${variables}PASSWORD_FILE, the name of a file) in the environment`,
    )
  }
  const [, scheme = '', hosts = '', name] = ADDRESS.exec(text) ?? []
  const list = hosts.split(',')
  if (!list.every(host => HOST.test(host))) throw new Error(`'${text}' is not an address: write ${shape}`)
  return { scheme, hosts: list, name: name || undefined }
}
