const SEGMENT = /^[A-Za-z0-9._~-]+$/

/**
 * Parses the path under which a server answers.
 *
 * @returns path without a slash at its end; empty for the root
 * @throws Error unless it is an absolute path of plain segments
 */
export function parseBasePath(text: string): string {
  const [before, ...segments] = text.replace(/\/$/, '').split('/')
  if (before !== '' || segments.some(segment => !SEGMENT.test(segment) || /^\.+$/.test(segment))) {
    throw new Error(`'${text}' is not a path: write /landcover, with letters, digits, -, ., _ and ~ between slashes`)
  }
  return segments.map(segment => `/${segment}`).join('')
}

/**
 * Returns the part of a target after the base path, which begins with a slash; undefined when the target is not below
 * the base path.
 *
 * @param target path and query
 */
export function belowBasePath(target: string, basePath: string): string | undefined {
  return target.startsWith(`${basePath}/`) ? target.slice(basePath.length) : undefined
}
