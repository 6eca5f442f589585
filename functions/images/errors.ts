/**
 * Thrown for an image, scene or file of sites that cannot be observed. The message says what, where, and what to do.
 */
export class ImageError extends Error {
  override name = 'ImageError'
}

/** Runs the work. Turns any other error into an ImageError that names the file and what to do. */
export async function asImageError<Result>(name: string, advice: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ImageError) throw error
    throw new ImageError(`${name}: ${error instanceof Error ? error.message : String(error)}; ${advice}`, {
      cause: error,
    })
  }
}
