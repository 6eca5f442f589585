/**
 * Land-cover classes in the page's order: the ten of EuroSAT (Helber et al. 2019, https://arxiv.org/abs/1709.00029).
 * A known class always has the same colour, whichever other classes are present. Other classes follow in alphabetical
 * order.
 */
export const KNOWN_CLASSES: readonly string[] = [
  'AnnualCrop',
  'Forest',
  'HerbaceousVegetation',
  'Highway',
  'Industrial',
  'Pasture',
  'PermanentCrop',
  'Residential',
  'River',
  'SeaLake',
]

/** Number of class colours in the style sheet: `--class-0` to `--class-11`. */
export const COLOUR_COUNT = 12

/** A class with its label and colour. */
export type ClassKey = {
  className: string
  /** Name for people: see classLabel. */
  label: string
  /** Number of its colour in the style sheet. */
  colour: number
}

/** The given classes without duplicates, in the page's order. */
export function classKeys(classNames: Iterable<string>): ClassKey[] {
  const names = new Set(classNames)
  const known = KNOWN_CLASSES.filter(name => names.has(name))
  const others = [...names].filter(name => !KNOWN_CLASSES.includes(name)).sort(byCodeUnit)
  return [
    ...known.map(name => keyOf(name, KNOWN_CLASSES.indexOf(name))),
    ...others.map((name, index) => keyOf(name, KNOWN_CLASSES.length + index)),
  ]
}

/** Name of a class for people: words for the ten of EuroSAT ("Sea lake"), any other name as its user wrote it. */
export function classLabel(className: string): string {
  if (!KNOWN_CLASSES.includes(className)) return className
  const words = className.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const keyOf = (className: string, place: number): ClassKey => ({
  className,
  label: classLabel(className),
  colour: place % COLOUR_COUNT,
})

const byCodeUnit = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
