/** Thrown when the counts of a run cannot be right. Nothing is published, and the old view stays. */
export class ValidationError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ValidationError'
  }
}
