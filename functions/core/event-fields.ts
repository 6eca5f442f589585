/**
 * Fields of an event besides its time, declared once: the decoder, the JSON Schema and the description of the API come
 * from here.
 */

/** Field with a number. */
export interface NumberField {
  lowest: number
  highest: number
  description: string
}

export const MAX_TEXT_LENGTH = 256
export const MAX_BAND_MEAN = 1_000_000
/** Maximum difference of two grey levels: a texture has at most 256. */
const MAX_LEVEL_DIFFERENCE = 255
/** Maximum entropy of a texture, in bits; in nats it is smaller. Its matrix has at most 256 × 256 cells. */
const MAX_ENTROPY = 16

const number = (lowest: number, highest: number, description: string): NumberField => ({ lowest, highest, description })
const bandMean = (band: string) =>
  number(0, MAX_BAND_MEAN, `Mean of the ${band} in the image's own units: digital numbers or reflectance`)
const texture = (name: string, lowest: number, highest: number) =>
  number(lowest, highest, `${name} by a grey level co-occurrence matrix of at most 256 levels`)

/** Fields with numbers. */
export const NUMBERS = {
  ndvi_mean: number(-1, 1, "Mean NDVI of the image's pixels. It lies between ndvi_min and ndvi_max"),
  ndvi_std: number(0, 2, 'Standard deviation of the NDVI of the pixels'),
  ndvi_min: number(-1, 1, 'Lowest NDVI of a pixel'),
  ndvi_max: number(-1, 1, 'Highest NDVI of a pixel'),
  vegetation_index: number(-100, 100, "Another spectral index of the producer's choice"),
  red_mean: bandMean('red band'),
  green_mean: bandMean('green band'),
  blue_mean: bandMean('blue band'),
  nir_mean: bandMean('near infrared band'),
  brightness_mean: bandMean('brightness'),
  lon: number(-180, 180, 'Longitude of the centre of the place, degrees (WGS 84)'),
  lat: number(-90, 90, 'Latitude of the centre of the place, degrees (WGS 84)'),
  pixels: number(0, 1_000_000_000, 'Area of the place in pixels. A fraction is rounded'),
  valid_fraction: number(0, 1, 'Share of the area that counts'),
  cloud_fraction: number(0, 1, 'Share of the area that is cloudy'),
  texture_contrast: texture('Contrast', 0, MAX_LEVEL_DIFFERENCE ** 2),
  texture_dissimilarity: texture('Dissimilarity', 0, MAX_LEVEL_DIFFERENCE),
  texture_homogeneity: texture('Homogeneity', 0, 1),
  texture_energy: texture('Energy', 0, 1),
  texture_correlation: texture('Correlation', -1, 1),
  texture_entropy: texture('Entropy', 0, MAX_ENTROPY),
} as const
/** Name of a field with a number. */
export type NumberName = keyof typeof NUMBERS

/** Fields with texts, each with its description. */
export const TEXTS = {
  image_id: 'Id of the image',
  class_name: 'Land-cover class. GET /api/classes lists those that are known',
  site_id: 'Id of a place that is observed again and again',
  scene_id: 'Id of the scene in which the image was taken',
  processing_version: 'Version of the program that processed the image',
} as const

/** Fields that every event has. */
export const REQUIRED = ['image_id', 'class_name', 'ndvi_mean', 'timestamp'] as const
