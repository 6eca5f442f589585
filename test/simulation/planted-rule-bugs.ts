import type { PlantedBug } from './planted-bugs.ts'

const CLASS_BASELINE = 'functions/core/looks/class-baseline.ts'
const MANY_SITES = 'functions/core/incidents/many-sites.ts'

/** Bugs of the rules for alerts. test/evaluation/planted.test.ts must notice each. */
export const PLANTED_RULE_BUGS: readonly PlantedBug[] = [
  {
    name: 'every change at many sites attributed to the producer',
    file: 'functions/core/incidents/cause.ts',
    edits: [["if (2 * known.length <= changes.length) return 'land'", "if (changes.length > 0) return 'producer'"]],
  },
  {
    name: 'a message for each site of the pass that opened an incident',
    file: MANY_SITES,
    edits: [
      ['openedMs >= each.openedMs && openedMs <= each.lastMs', 'openedMs > each.openedMs && openedMs <= each.lastMs'],
    ],
  },
  {
    name: 'incident of many sites that never ends',
    file: MANY_SITES,
    edits: [['if (areMany) manyMs = openedMs', 'manyMs = openedMs']],
  },
  {
    name: 'deviation of residuals only, which a small class has after many years',
    file: CLASS_BASELINE,
    edits: [['isKnown ? null : ofNdvi]', 'isKnown ? null : null]']],
  },
  {
    name: 'deviation of two months for a season of two weeks',
    file: CLASS_BASELINE,
    edits: [['[narrow?.[bin], wide?.[bin],', '[wide?.[bin],']],
  },
  {
    name: 'clouds used as the land of a cloudy class',
    file: CLASS_BASELINE,
    edits: [['while (percent > DARK_PERCENT &&', 'while (percent < DARK_PERCENT &&']],
  },
  {
    name: 'each look of one pass counted',
    file: 'functions/core/looks/judge.ts',
    edits: [['if (eventMs - site.lastMs[verdict] < PASS_MS) return true', '']],
  },
]
