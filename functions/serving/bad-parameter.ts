import type { Extension } from '../http/problem.ts'

/** Thrown when a request parameter is invalid. The message names the parameter and what is accepted. */
export class BadParameterError extends Error {
  readonly status: 400 | 404
  /** Further members of the problem. */
  readonly more: Extension

  /**
   * Creates the error.
   *
   * @param status 404 when the parameter names something that does not exist
   */
  constructor(message: string, status: 400 | 404 = 400, more: Extension = {}) {
    super(message)
    this.name = 'BadParameterError'
    this.status = status
    this.more = more
  }
}
