/** Units of the cost model. A month has 730 hours, as in AWS's own examples. */
export const HOURS = 730
export const DAYS = HOURS / 24
export const SECONDS = HOURS * 3600
export const KB = 1024
export const MB = 1024 ** 2
export const GB = 1024 ** 3
