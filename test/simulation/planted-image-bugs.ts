import type { PlantedBug } from './planted-bugs.ts'

const PIXELS = 'functions/images/zonal/pixels.ts'

/** Bugs that change what is measured in an image, or let an image count twice. test/images/planted.test.ts must notice each. */
export const PLANTED_IMAGE_BUGS: readonly PlantedBug[] = [
  {
    name: 'offset applied twice',
    file: PIXELS,
    edits: [
      ['redDn * redScale + redOffset', 'redDn * redScale + redOffset + redOffset'],
      ['nirDn * nirScale + nirOffset', 'nirDn * nirScale + nirOffset + nirOffset'],
    ],
  },
  {
    name: 'mask one row off',
    file: PIXELS,
    edits: [['const row = grid.rows[y] as number', 'const row = (grid.rows[y + 1] ?? -1) as number']],
  },
  {
    name: 'centre of a pixel instead of its covered share',
    file: 'functions/images/zonal/observe-sites.ts',
    edits: [['{ coverage: coverageShares,', '{ coverage: centreShares,']],
  },
  {
    name: 'half a pixel off',
    file: 'functions/images/sites/projection.ts',
    edits: [
      [
        'return [(e * (x - c) - b * (y - f)) / determinant,',
        'return [0.5 + (e * (x - c) - b * (y - f)) / determinant,',
      ],
    ],
  },
  {
    name: 'standard deviation of a sample instead of the population',
    file: 'functions/images/zonal/statistics.ts',
    edits: [['sums.ndviSquares / valid - mean * mean', '(sums.ndviSquares - valid * mean * mean) / (valid - 1)']],
  },
  {
    name: 'identity with the processing version in it',
    file: 'functions/images/scene/stac-item.ts',
    edits: [['_${gridCode}`,', '_${gridCode}_${versionOf(item)}`,']],
  },
  {
    name: 'an older processing version replaces a newer one',
    file: 'functions/images/output/publish.ts',
    edits: [['return difference > 0', 'return true']],
  },
  {
    name: 'mask of the upper left corner of a pixel instead of its centre',
    file: 'functions/images/bands/scene-bands.ts',
    edits: [['(at + 0.5) * scale + start', '(at - 0.5) * scale + start']],
  },
]
