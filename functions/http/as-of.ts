/** What tells what an answer is made of: ISO 8601, UTC; left out where there is nothing to tell. */
export const AS_OF_HEADERS = {
  'Landcover-As-Of': 'The newest arrival that is counted',
  'Landcover-Batch-Cut': 'What arrived before is counted by the batch view, the rest by the speed layer',
  'Landcover-Watermark': 'Windows that end here or before are closed',
} as const
