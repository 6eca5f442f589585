import { BadParameterError } from './bad-parameter.ts'

/** Maximum number of rows of an answer. More would be too many bytes in any form, and hold up all other answers. */
export const MOST_ROWS = 50_000

/**
 * Refuses an answer with too many rows, before they are made.
 *
 * @param parameter the parameter by which less can be requested
 * @throws BadParameterError
 */
export function refuseTooManyRows(parameter: string, rows: number): void {
  if (rows <= MOST_ROWS) return
  throw new BadParameterError(
    `${parameter}: the answer would have more than ${MOST_ROWS} rows, which is the most that can be given: name one class, or a shorter range`,
  )
}
