import { DAY_MS, formatTimestamp } from '../functions/core/time.ts'
import { normal, type Random, randomNumbers } from './random.ts'

// Generator of series of looks with truth: what happens at sites of several covers, as satellites of several kinds see
// it. A look mixes the spectra of what covers the ground, then haze, clouds and noise. The same arguments give the same
// series.

/** Look at a generated site, with the truth of what it shows. Bands in digital numbers (10,000 = reflectance 1). */
/** Generated series: looks at sites, with the truth about them. */
export interface SeriesLook {
  imageId: string
  className: string
  siteId: string
  timestampMs: number
  blue: number
  red: number
  nir: number
  ndvi: number
  quality: 'clear' | 'cloud'
  cloudFraction: number | null
}

/** Something that happened at a site; days since the start of the series. */
export interface SeriesEvent {
  siteId: string
  kind: string
  direction: 'drop' | 'rise'
  fromDay: number
  untilDay: number
}

/** Generated series, with the events in it. */
export interface Series {
  looks: SeriesLook[]
  events: SeriesEvent[]
  /** All sites without an event. */
  stable: string[]
}

type Spectrum = readonly [blue: number, red: number, nir: number]
const PLANTS: Spectrum = [250, 320, 3_800]
const SOIL: Spectrum = [850, 1_600, 2_600]
const STRAW: Spectrum = [750, 1_400, 2_700]
const CHAR: Spectrum = [350, 480, 900]
const WATER: Spectrum = [500, 400, 180]

/** Shares of a site's area; the rest is soil. */
interface Cover {
  plants?: number
  straw?: number
  char?: number
  water?: number
}

/** Event at a site: returns the cover of a day, changed by the event. */
type Happening = (cover: Cover, day: number) => Cover

/** Satellite and land of a series. */
interface Setting {
  className: string
  cover(day: number, site: SiteTraits): Cover
  revisitDays: number
  cloudShare: number
  /** True when its producer says what is cloudy. */
  isMasked: boolean
  years: number
  sites: number
  /** Number of added digital numbers on a day: a change in how images are made. */
  offset(day: number): number
  /** Days without any look. */
  isSilent(day: number): boolean
}

/** Differences of a site from the others of its class. */
interface SiteTraits {
  /** -1 to 1, and days by which its season is early or late in a year. */
  level: number
  shiftIn(year: number): number
}

const YEAR_DAYS = 365.2425
const dayOfYear = (day: number) => ((day % YEAR_DAYS) + YEAR_DAYS) % YEAR_DAYS
/** Wave of a year, -1 to 1, highest in the middle of July. */
const summer = (day: number) => Math.cos((2 * Math.PI * (day - 196)) / YEAR_DAYS)

const forest: Setting['cover'] = (day, { level }) => ({ plants: 0.82 + 0.06 * level + 0.08 * summer(day) })
const grassland: Setting['cover'] = (day, { level }) => {
  const plants = 0.45 + 0.1 * level + 0.2 * summer(day)
  return { plants, straw: 0.8 * (1 - plants) }
}
const lake: Setting['cover'] = (_, { level }) => ({ water: 0.97 + 0.02 * level })
/** Crop: sown bare, full in the middle, cut to straw within days. @param peaks middle days of its seasons */
const crop =
  (...peaks: number[]): Setting['cover'] =>
  (day, { level, shiftIn }) => {
    const shift = shiftIn(Math.floor(day / YEAR_DAYS))
    const plants = peaks.map(peak => {
      const from = dayOfYear(day) - peak - shift
      return from < -60 || from > 40 ? 0 : Math.min(1, (from + 60) / 40, Math.max(0, (40 - from) / 8))
    })
    const most = Math.max(...plants) * (0.85 + 0.1 * level)
    return { plants: 0.08 + 0.9 * most, straw: most === 0 ? 0.4 : 0 }
  }

const FOREST: Setting = {
  className: 'Forest',
  cover: forest,
  revisitDays: 8,
  cloudShare: 0.35,
  isMasked: false,
  years: 5,
  sites: 30,
  offset: () => 0,
  isSilent: () => false,
}
const CROP: Setting = { ...FOREST, className: 'Crop', cover: crop(150), revisitDays: 5 }

/** Day on which most events begin: in the fourth year, in the middle of May. */
const EVENT_DAY = 1_230

function cut(day: number): Happening {
  return (cover, at) => (at < day ? cover : { plants: Math.min(0.8, 0.12 + 0.1 * ((at - day) / YEAR_DAYS)) })
}

function fire(day: number): Happening {
  return (cover, at) => {
    if (at < day) return cover
    const age = at - day
    const grown = (cover.plants ?? 0) * (1 - Math.exp(-age / 500))
    return { plants: grown, char: (1 - grown) * Math.exp(-age / 120) }
  }
}

function beetle(day: number): Happening {
  return (cover, at) => {
    const dead = 0.55 * Math.min(1, Math.max(0, (at - day) / 730))
    return { plants: (cover.plants ?? 0) * (1 - dead), straw: 0.5 * dead }
  }
}

const shifted = (day: number) => (day >= EVENT_DAY ? 1_000 : 0)

/** Change that comes within `rise` days, lasts, and goes. */
function passing(from: number, until: number, rise: number, peak: (cover: Cover, share: number) => Cover): Happening {
  return (cover, at) => peak(cover, Math.max(0, Math.min(1, (at - from) / rise, (until - at) / rise)))
}

const drought = (day: number) =>
  passing(day, day + 150, 30, (cover, share) => {
    const lost = (cover.plants ?? 0) * 0.5 * share
    return { ...cover, plants: (cover.plants ?? 0) - lost, straw: (cover.straw ?? 0) + 0.9 * lost }
  })
const flood = (day: number) =>
  passing(day, day + 50, 4, (cover, share) => ({ plants: (cover.plants ?? 0) * (1 - share), water: 0.9 * share }))
const bloom = (day: number) =>
  passing(day, day + 70, 15, (cover, share) => ({ water: (cover.water ?? 0) - 0.35 * share, plants: 0.35 * share }))

/** Event of a site, if it has one; `site` from 0. */
type EventOf = (site: number) => { told: Omit<SeriesEvent, 'siteId'>; happening: Happening } | null

interface Kind {
  setting: Setting
  event?: EventOf
}

function atSome(
  kind: string,
  days: number,
  happening: (day: number) => Happening,
  direction: 'drop' | 'rise' = 'drop',
): EventOf {
  // Each fifth site, and not all on one day: that would be one event of the class.
  return site => {
    if (site % 5 !== 2) return null
    const fromDay = EVENT_DAY + 45 * Math.floor(site / 5) - 110
    return { told: { kind, direction, fromDay, untilDay: fromDay + days }, happening: happening(fromDay) }
  }
}

/** Kinds of series. `docs/alerts.md` says what is found in each. */
const KINDS: Record<string, Kind> = {
  'clear-cut': { setting: FOREST, event: atSome('clear-cut', 300, cut) },
  fire: { setting: FOREST, event: atSome('fire', 300, fire) },
  beetle: { setting: { ...FOREST, years: 6 }, event: atSome('beetle', 900, beetle) },
  harvest: { setting: CROP },
  'double-harvest': { setting: { ...CROP, cover: crop(110, 260) } },
  drought: {
    setting: { ...FOREST, className: 'Grassland', cover: grassland },
    event: () => ({
      told: { kind: 'drought', direction: 'drop', fromDay: EVENT_DAY, untilDay: EVENT_DAY + 180 },
      happening: drought(EVENT_DAY),
    }),
  },
  flood: {
    setting: { ...FOREST, className: 'Grassland', cover: grassland, revisitDays: 5 },
    event: atSome('flood', 80, flood),
  },
  bloom: {
    setting: { ...FOREST, className: 'Lake', cover: lake, revisitDays: 5 },
    event: atSome('bloom', 100, bloom, 'rise'),
  },
  shift: { setting: { ...FOREST, offset: shifted, isMasked: true } },
  'shift-unmasked': { setting: { ...FOREST, offset: shifted } },
  cloudy: { setting: { ...FOREST, revisitDays: 5, cloudShare: 0.65 }, event: atSome('clear-cut', 300, cut) },
  sparse: {
    setting: { ...FOREST, revisitDays: 16, cloudShare: 0.5, years: 8, sites: 10 },
    event: atSome('clear-cut', 500, cut),
  },
  single: {
    setting: { ...FOREST, revisitDays: 16, cloudShare: 0.5, years: 10, sites: 1, isMasked: true },
    event: () => ({
      told: { kind: 'clear-cut', direction: 'drop', fromDay: 2_500, untilDay: 3_000 },
      happening: cut(2_500),
    }),
  },
  gap: {
    setting: { ...FOREST, years: 6, isSilent: day => day >= 900 && day < 1_265 },
    event: atSome('clear-cut', 500, cut),
  },
}

export const SERIES_KINDS: readonly string[] = Object.keys(KINDS)

/** @throws RangeError for a kind that SERIES_KINDS does not name */
export function generateSeries(kind: string, seed: number): Series {
  const { setting, event } = KINDS[kind] ?? {}
  if (!setting) throw new RangeError(`no kind of series is called ${kind}: there are ${SERIES_KINDS.join(', ')}`)
  const series: Series = { looks: [], events: [], stable: [] }
  for (let site = 0; site < setting.sites; site++) {
    const siteId = `${kind}_${site}`
    const happens = event?.(site)
    if (happens) series.events.push({ siteId, ...happens.told })
    else series.stable.push(siteId)
    series.looks.push(...looksAt(siteId, site, seed, setting, happens?.happening ?? (cover => cover)))
  }
  return series
}

function looksAt(siteId: string, site: number, seed: number, setting: Setting, happening: Happening): SeriesLook[] {
  const traits: SiteTraits = {
    level: 2 * randomNumbers(seed, site, -1)() - 1,
    shiftIn: year => 24 * (randomNumbers(seed, site, -2 - year)() - 0.5),
  }
  const looks: SeriesLook[] = []
  // Two orbits: half of the sites are passed three days later.
  for (let day = 3 * (site % 2); day < setting.years * YEAR_DAYS; day += setting.revisitDays) {
    if (setting.isSilent(day)) continue
    const random = randomNumbers(seed, site, day)
    const isCloudy = random() < setting.cloudShare
    const seen = seenOf(happening(setting.cover(day, traits), day), isCloudy, setting.offset(day), random)
    const cloudFraction = setting.isMasked ? Number(isCloudy) : null
    const at = {
      imageId: `${siteId}@${day}`,
      className: setting.className,
      siteId,
      timestampMs: startMs + day * DAY_MS,
    }
    looks.push({ ...at, ...seen, cloudFraction })
  }
  return looks
}

const startMs = Date.UTC(2016, 0, 1)

function seenOf(cover: Cover, isCloudy: boolean, offset: number, random: Random) {
  const { plants = 0, straw = 0, char = 0, water = 0 } = cover
  const soil = Math.max(0, 1 - plants - straw - char - water)
  const light = 1 + 0.04 * normal(random)
  const haze = random() < 0.1 ? 250 * random() : 0
  const cloud = isCloudy ? 0.25 + 0.75 * random() : 0
  const [blue, red, nir] = ([0, 1, 2] as const).map(band => {
    const ground =
      plants * PLANTS[band] + straw * STRAW[band] + char * CHAR[band] + water * WATER[band] + soil * SOIL[band]
    const clear = ground * light * (1 + 0.02 * normal(random)) + 15 * normal(random) + haze * (1 - 0.4 * band)
    return Math.max(1, Math.round(clear * (1 - cloud) + cloud * (5_000 - 300 * band)) + offset)
  }) as [number, number, number]
  const ndvi = Number(((nir - red) / (nir + red)).toFixed(4))
  return { blue, red, nir, ndvi, quality: isCloudy ? 'cloud' : 'clear' } as const
}

/** CSV of looks, as `npm run evaluate` reads it. */
export function seriesCsv({ looks }: Series): string {
  const rows = looks.map(({ timestampMs, ...look }) => {
    const { imageId, className, siteId, ndvi, red, blue, nir, cloudFraction, quality } = look
    const bands = [ndvi, red, blue, nir]
    return [imageId, className, siteId, formatTimestamp(timestampMs), ...bands, cloudFraction ?? '', quality].join(',')
  })
  const header =
    'image_id,class_name,site_id,timestamp,ndvi_mean,red_mean,blue_mean,nir_mean,cloud_fraction,truth_quality'
  return `${header}\n${rows.join('\n')}\n`
}

/** CSV of labels, as `npm run evaluate` reads it. An event is known when it begins. */
export function labelsCsv({ events, stable }: Series): string {
  const dayText = (day: number) => formatTimestamp(startMs + day * DAY_MS).slice(0, 10)
  const rows = [
    ...events.map(({ siteId, kind, direction, fromDay, untilDay }) =>
      [siteId, kind, direction, dayText(fromDay), dayText(fromDay), dayText(untilDay)].join(','),
    ),
    ...stable.map(siteId => `${siteId},stable,,,,`),
  ]
  return `site_id,kind,direction,start,known_by,end\n${rows.join('\n')}\n`
}
