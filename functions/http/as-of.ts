/**
 * Headers that describe the state of an answer's data. Times are ISO 8601, UTC; a header without a value is left out.
 */
export const AS_OF_HEADERS = {
  'Landcover-As-Of': 'The newest arrival that is counted',
  'Landcover-Batch-Cut': 'Earlier arrivals are counted by the batch view, later ones by the speed layer',
  'Landcover-Watermark': 'Windows that end at this time or before are closed',
} as const
