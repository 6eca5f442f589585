/** Header that says which range of time an answer covers: start and end, separated by a slash as in ISO 8601. */
export const RANGE_HEADER = 'Landcover-Range'
/** Description of the header for people. */
export const RANGE_DESCRIPTION =
  'The range that the answer covers, as START/END. It is shorter than the requested one if that was too long: then the newest part is answered. Of times the end is not included, of days it is'
