/** A parameter of a question is not right; the message names it and says what would be. */
export class BadParameterError extends Error {
  readonly status: 400 | 404

  /** @param status 404 where it names something that is not there */
  constructor(message: string, status: 400 | 404 = 400) {
    super(message)
    this.name = 'BadParameterError'
    this.status = status
  }
}
