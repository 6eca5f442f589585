import type { PlantedBug } from './planted-bugs.ts'

const RECOGNITION = 'functions/files/recognition.ts'
const ROW_TO_EVENT = 'functions/files/row-to-event.ts'

/** Bugs of the rules by which files of people become events. Reading some files must notice every one. */
export const PLANTED_FILE_BUGS: readonly PlantedBug[] = [
  {
    name: 'row without a time dated now',
    file: 'functions/files/read-events.ts',
    edits: [['timeIsNow = false', 'timeIsNow = true']],
  },
  {
    name: 'file in another scale taken in part',
    file: 'functions/files/ndvi-column.ts',
    edits: [['if (outside === 0 || (outside * 2 <= count && hasFraction)) return', 'if (count >= 0) return']],
  },
  {
    name: 'offset added before the scale',
    file: ROW_TO_EVENT,
    edits: [['(number * (factor ?? 1) + (offset ?? 0))', '((number + (offset ?? 0)) * (factor ?? 1))']],
  },
  {
    name: 'fill value taken for NDVI',
    file: ROW_TO_EVENT,
    edits: [
      ['number !== undefined && isLeftOut(number)', 'number === null && isLeftOut(number)'],
      ['number === null || nodata.has(number)) return null', 'number === null) return null'],
    ],
  },
  {
    name: 'epoch in milliseconds taken for seconds',
    file: 'functions/files/time-forms.ts',
    edits: [["{ from: 1e11, perMs: 1, name: 'milliseconds' },\n", '']],
  },
  {
    name: 'wall clock taken for UTC',
    file: 'functions/files/time-forms.ts',
    edits: [[': fromZone(timeZone)', ': (ms: number) => ms']],
  },
  {
    name: 'anomaly taken for NDVI',
    file: 'functions/files/ndvi-header.ts',
    edits: [["['anomaly', 'anomalies', 'anom',", "['anom',"]],
  },
  {
    name: 'line of totals taken for an image',
    file: ROW_TO_EVENT,
    edits: [['columnsOf(source).some(column => isTotals(values[column]))', 'false']],
  },
  {
    name: 'first of two equal columns taken',
    file: RECOGNITION,
    edits: [['if (another !== undefined && ', 'if (column === undefined && another !== undefined && ']],
  },
  {
    name: 'row below the header lost',
    file: 'functions/files/csv-table.ts',
    edits: [['rest: next.value.slice(index + 1)', 'rest: next.value.slice(index + 2)']],
  },
  {
    name: 'seconds since midnight taken for a time of 1970 or later',
    file: 'functions/files/time-columns.ts',
    edits: [['Math.abs(time.ms - day.ms) <= 2 * DAY_MS ? time : null', 'true ? time : null']],
  },
  {
    name: 'standard deviation below a date taken for NDVI',
    file: 'functions/files/wide.ts',
    edits: [
      ['(b\\d+a?|p\\d+|std|', '(b\\d+a?|p\\d+|'],
      ['const word = [isNdviWord, isMeanWord].find', 'const word = [isNdviWord].find'],
    ],
  },
]
