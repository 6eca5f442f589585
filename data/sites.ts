import { DAY_MS, formatTimestamp } from '../functions/core/time.ts'
import { normal, randomNumbers } from './random.ts'

// Generator of sites that come back: forests with a season, a satellite that comes every eight days, clouds, and
// clear-cuts. The same arguments give the same looks.

/** Look at a generated site, with the truth of what it shows. Bands in digital numbers (10,000 = reflectance 1). */
export interface SiteLook {
  imageId: string
  siteId: string
  timestampMs: number
  ndviMean: number
  redMean: number
  blueMean: number
  quality: 'clear' | 'cloud'
}

const REVISIT_DAYS = 8
const CLOUD_SHARE = 0.35
/** NDVI of the forest: its mean, the amplitude of its season, spreads between sites and looks, and loss by a clear-cut. */
const FOREST = { mean: 0.72, season: 0.08, sites: 0.03, looks: 0.02, loss: 0.3 }
const YEAR_DAYS = 365.2425

/** @param cuts site number → day of the series on which it is cut */
export function generateSites({
  seed,
  sites,
  days,
  fromMs,
  cuts,
}: {
  seed: number
  sites: number
  days: number
  fromMs: number
  cuts: ReadonlyMap<number, number>
}): SiteLook[] {
  const looks: SiteLook[] = []
  for (let day = 0; day < days; day += REVISIT_DAYS) {
    for (let site = 0; site < sites; site++) {
      const random = randomNumbers(seed, site, day)
      const isCut = day >= (cuts.get(site) ?? Number.POSITIVE_INFINITY)
      const offset = FOREST.sites * (2 * randomNumbers(seed, site, -1)() - 1)
      const season = FOREST.season * Math.cos((2 * Math.PI * (day - 190)) / YEAR_DAYS)
      const land = FOREST.mean + offset + season + FOREST.looks * normal(random) - (isCut ? FOREST.loss : 0)
      const isCloudy = random() < CLOUD_SHARE
      const cover = isCloudy ? 0.4 + 0.6 * random() : 0
      const nir = 2_800
      const red = (nir * (1 - land)) / (1 + land)
      const over = { red: red + cover * 4_500, blue: 0.7 * red + cover * 4_600, nir: nir + cover * 3_500 }
      looks.push({
        imageId: `site_${site}@${day}`,
        siteId: `site_${site}`,
        timestampMs: fromMs + day * DAY_MS,
        ndviMean: Number(((over.nir - over.red) / (over.nir + over.red)).toFixed(4)),
        redMean: Math.round(over.red),
        blueMean: Math.round(over.blue),
        quality: isCloudy ? 'cloud' : 'clear',
      })
    }
  }
  return looks
}

/** CSV of looks, as `npm run evaluate` reads it. */
export function looksCsv(looks: readonly SiteLook[], className: string): string {
  const rows = looks.map(look =>
    [
      look.imageId,
      className,
      look.siteId,
      formatTimestamp(look.timestampMs),
      look.ndviMean,
      look.redMean,
      look.blueMean,
      look.quality,
    ].join(','),
  )
  return `image_id,class_name,site_id,timestamp,ndvi_mean,red_mean,blue_mean,truth_quality\n${rows.join('\n')}\n`
}
