/** Parameters of judging looks and of incidents. Their reasons, and what a change of each does, are in docs/alerts.md. */
export interface Detection {
  /** Look: highest share of clouds, and lowest share of valid area, of a look at land. Millionths. */
  maxCloudFraction: number
  minValidFraction: number
  /** Percent of a class's looks whose blue, and red, is at most what is typical of its land. */
  bandQuantilePercent: number
  /** Looks of a class from which its typical blue and red are known. */
  minBandLooks: number
  /** A look is bright from this many times the typical blue on. */
  blueFactor: number
  /** Baseline: age from which looks count in it, days. A change that happens now must not become normal. */
  minAgeDays: number
  /** Looks within a season window, and residuals within one, that a class needs. */
  minCurveLooks: number
  minScaleLooks: number
  /** Looks of a site from which its residuals count in its class's. */
  minResidualLooks: number
  /** Weights that pull a site's mean, and its yearly wave, to its class: as many looks as these at the class's curve. */
  meanRidge: number
  waveRidge: number
  /** Looks and days of history that a site needs before it is judged. */
  minSiteLooks: number
  minHistoryDays: number
  /** Lowest standard deviation that a look is compared with, NDVI in millionths. */
  minScale: number
  /** Incident: standard deviations from which a look is unusual. */
  unusualZ: number
  /** Opening: `openLooks` of the last `windowLooks` looks at land are unusual, over at least `openDays`. */
  openLooks: number
  windowLooks: number
  openDays: number
  /** Number of normal looks in a row after which an incident closes. */
  closeLooks: number
  /** Days after which an open incident is the new normal. */
  acceptDays: number
  /** Class without clear looks: days, and percent of what the season gives. */
  clearDays: number
  clearPercent: number
  /** Looks of a season from which its share of land is known, and land looks that must be expected to miss them. */
  minSeasonLooks: number
  minExpectedLooks: number
  /** Class whose looks have no sites: days, looks in each half of them, and median in standard deviations. */
  classDays: number
  minHalfLooks: number
  classUnusualZ: number
}

/** Days of event time after which baselines are made again. */
export const RENEWAL_DAYS = 30

export const DETECTION: Detection = {
  maxCloudFraction: 100_000,
  minValidFraction: 900_000,
  bandQuantilePercent: 35,
  minBandLooks: 30,
  blueFactor: 2,
  minAgeDays: 60,
  minCurveLooks: 20,
  minScaleLooks: 40,
  minResidualLooks: 8,
  meanRidge: 1,
  waveRidge: 8,
  minSiteLooks: 12,
  minHistoryDays: 330,
  minScale: 20_000,
  unusualZ: 2,
  openLooks: 4,
  windowLooks: 6,
  openDays: 10,
  closeLooks: 3,
  acceptDays: 365,
  clearDays: 32,
  clearPercent: 15,
  minSeasonLooks: 30,
  minExpectedLooks: 10,
  classDays: 40,
  minHalfLooks: 5,
  classUnusualZ: 1.5,
}
