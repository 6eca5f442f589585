import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeEvent,
  FUTURE_TOLERANCE_MS,
  InvalidEventError,
  OPTIONAL_FIELDS,
  type UnusedValue,
  type WireEvent,
} from '../../functions/core/event.ts'
import { MAX_BAND_MEAN, MAX_TEXT_LENGTH } from '../../functions/core/event-fields.ts'
import { wireEvents } from '../support/arbitraries.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'

type Field = keyof WireEvent

const TEXTS = ['image_id', 'class_name'] as const
const BANDS = ['red_mean', 'green_mean', 'blue_mean', 'nir_mean', 'brightness_mean'] as const
const TEXTURES = {
  texture_contrast: 'textureContrast',
  texture_dissimilarity: 'textureDissimilarity',
  texture_homogeneity: 'textureHomogeneity',
  texture_energy: 'textureEnergy',
  texture_correlation: 'textureCorrelation',
  texture_entropy: 'textureEntropy',
} as const
const OPTIONAL = [
  ...(['ndvi_std', 'ndvi_min', 'ndvi_max', 'vegetation_index', ...BANDS] as const),
  ...(['lon', 'lat', 'pixels', 'valid_fraction', 'cloud_fraction'] as const),
  ...(Object.keys(TEXTURES) as (keyof typeof TEXTURES)[]),
] as const
const OPTIONAL_TEXTS = { site_id: 'siteId', scene_id: 'sceneId', processing_version: 'processingVersion' } as const
const NUMBERS = ['ndvi_mean', ...OPTIONAL] as const

/** Field, and its name after decoding. */
const DECODED_AS = {
  ndvi_mean: 'ndviMean',
  ndvi_std: 'ndviStd',
  ndvi_min: 'ndviMin',
  ndvi_max: 'ndviMax',
  vegetation_index: 'vegetationIndex',
  red_mean: 'red',
  green_mean: 'green',
  blue_mean: 'blue',
  nir_mean: 'nir',
  brightness_mean: 'brightness',
  lon: 'lon',
  lat: 'lat',
  pixels: 'pixels',
  valid_fraction: 'validFraction',
  cloud_fraction: 'cloudFraction',
  ...TEXTURES,
} as const

function defectOf(value: unknown): InvalidEventError {
  try {
    decodeEvent(value, NOON_MS)
  } catch (error) {
    if (error instanceof InvalidEventError) return error
    throw error
  }
  throw new Error('the event was taken')
}

function refuses(field: Field, value: unknown, message: RegExp): void {
  const defect = defectOf(wireEvent({ [field]: value }))
  expect(defect.field).toBe(field)
  expect(defect.message).toMatch(message)
}

/** An accepted event, and its values that cannot be used. */
function decoded(fields: Record<string, unknown>) {
  const unused: UnusedValue[] = []
  const event = decodeEvent({ ...wireEvent(), ...fields }, NOON_MS, each => unused.push(each))
  return { event, unused }
}

const without = (field: Field) => Object.fromEntries(Object.entries(wireEvent()).filter(([name]) => name !== field))

describe('an event', () => {
  it('is accepted with all fields, in fixed point', () => {
    const wire: WireEvent = {
      image_id: 'SeaLake_7',
      class_name: 'SeaLake',
      ndvi_mean: -0.238,
      ndvi_std: 0.135,
      ndvi_min: -0.9,
      ndvi_max: 0.1234567,
      vegetation_index: -99.5,
      red_mean: 400.1234,
      green_mean: 700,
      blue_mean: 0,
      nir_mean: 1_000_000,
      brightness_mean: 633.333,
      site_id: 'field-7',
      lon: -9.12345678,
      lat: 38.5,
      pixels: 1041.5,
      valid_fraction: 0.87654321,
      cloud_fraction: 0.1,
      scene_id: 'S2A_29SND_20200219_0_L2A',
      processing_version: '05.00',
      texture_contrast: 3969,
      texture_dissimilarity: 1.5,
      texture_homogeneity: 0.25,
      texture_energy: 1,
      texture_correlation: -0.125,
      texture_entropy: 8.3,
      timestamp: '2026-11-22T13:00:00+01:00',
    }
    expect(decodeEvent(wire, NOON_MS)).toEqual({
      imageId: 'SeaLake_7',
      className: 'SeaLake',
      eventMs: NOON_MS,
      ndviMean: -238_000,
      ndviStd: 135_000,
      ndviMin: -900_000,
      ndviMax: 123_457,
      vegetationIndex: -99_500_000,
      red: 400_123,
      green: 700_000,
      blue: 0,
      nir: 1_000_000_000,
      brightness: 633_333,
      siteId: 'field-7',
      lon: -91_234_568,
      lat: 385_000_000,
      pixels: 1042,
      validFraction: 876_543,
      cloudFraction: 100_000,
      sceneId: 'S2A_29SND_20200219_0_L2A',
      processingVersion: '05.00',
      textureContrast: 3_969_000_000,
      textureDissimilarity: 1_500_000,
      textureHomogeneity: 250_000,
      textureEnergy: 1_000_000,
      textureCorrelation: -125_000,
      textureEntropy: 8_300_000,
    })
  })

  it('needs only four fields; null and absent both mean "not measured"', () => {
    const absent = decodeEvent(wireEvent(), NOON_MS)
    const fields = [...OPTIONAL, ...(Object.keys(OPTIONAL_TEXTS) as (keyof typeof OPTIONAL_TEXTS)[])]
    expect(fields.toSorted()).toEqual([...OPTIONAL_FIELDS].sort())
    const asNull = decodeEvent(wireEvent(Object.fromEntries(fields.map(field => [field, null]))), NOON_MS)
    expect(absent).toEqual(asNull)
    for (const name of Object.values(OPTIONAL_TEXTS)) expect(absent[name]).toBeNull()
    for (const field of OPTIONAL) expect(absent[DECODED_AS[field]]).toBeNull()
  })

  it.each([['a text'], [7], [null], [true], [[]], [[wireEvent()]], [undefined]])('is not %j', value => {
    expect(defectOf(value)).toMatchObject({ field: null, message: 'an event must be a JSON object' })
  })

  it.each(['image_id', 'class_name', 'ndvi_mean', 'timestamp'] as const)('must have %s', field => {
    expect(defectOf(without(field))).toMatchObject({ field, message: `${field} is missing` })
    refuses(field, null, /is missing/)
    refuses(field, undefined, /is missing/)
  })

  it('must have a number as ndvi_mean, and nothing that only looks like one', () => {
    for (const value of ['', ' ', 'nan', 'NA', '0,5', '0x1', true, [0.5], { value: 0.5 }]) {
      refuses('ndvi_mean', value, /must be a number/)
    }
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -9999, 1e308, '-9999']) {
      refuses('ndvi_mean', value, /must lie between/)
    }
  })

  it.each(OPTIONAL)('counts without a value of %s that cannot be used, and this is reported', field => {
    const values = [
      ...['', 'nan', 'NaN', 'NA', 'High', '0,5', true, [0.5], { value: 0.5 }],
      ...[-9999, '-9999', Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e308],
    ]
    for (const value of values) {
      const { event, unused } = decoded({ [field]: value })
      expect(event).toEqual(decodeEvent(wireEvent(), NOON_MS))
      expect(unused.map(each => each.field)).toEqual([field])
      expect(unused[0]?.message).toMatch(/^\w+ must (be a number|lie between -?\d+ and \d+)$/)
    }
    for (const value of [null, undefined, 0.5, '0.5']) expect(decoded({ [field]: value }).unused).toEqual([])
  })

  it.each([
    ['ndvi_mean', -1, 1],
    ['ndvi_min', -1, 1],
    ['ndvi_max', -1, 1],
    ['ndvi_std', 0, 2],
    ['vegetation_index', -100, 100],
    ...BANDS.map(band => [band, 0, MAX_BAND_MEAN] as const),
    ['lon', -180, 180],
    ['lat', -90, 90],
    ['pixels', 0, 1_000_000_000],
    ['valid_fraction', 0, 1],
    ['cloud_fraction', 0, 1],
    ['texture_contrast', 0, 65_025],
    ['texture_dissimilarity', 0, 255],
    ['texture_homogeneity', 0, 1],
    ['texture_energy', 0, 1],
    ['texture_correlation', -1, 1],
    ['texture_entropy', 0, 16],
  ] as const)('has %s from %d to %d, both included', (field, least, most) => {
    const whole = field === 'ndvi_min' ? { ndvi_mean: 1 } : field === 'ndvi_max' ? { ndvi_mean: -1 } : {}
    for (const value of [least, most]) {
      expect(decodeEvent(wireEvent({ ...whole, [field]: value }), NOON_MS)[DECODED_AS[field]]).not.toBeNull()
    }
    for (const value of [least - 1e-9, most + 1e-9 * Math.max(most, 1)]) {
      if (field === 'ndvi_mean') refuses(field, value, /must lie between/)
      else expect(decoded({ ...whole, [field]: value })).toMatchObject({ event: { [DECODED_AS[field]]: null } })
    }
  })

  it.each([
    ['0.5', 500_000],
    ['-.5', -500_000],
    ['+5e-1', 500_000],
    ['1.', 1_000_000],
  ])('may have the number %j as text', (value, micro) => {
    expect(decoded({ ndvi_mean: value }).event.ndviMean).toBe(micro)
    expect(decoded({ vegetation_index: value }).event.vegetationIndex).toBe(micro)
  })

  it.each(NUMBERS)('has only one zero for %s', field => {
    const whole = wireEvent({ ndvi_mean: 0, [field]: -0 })
    expect(Object.is(decodeEvent(whole, NOON_MS)[DECODED_AS[field]], 0)).toBe(true)
  })

  it.each(TEXTS)('has text of 1 to 256 characters for %s', field => {
    for (const value of ['', 'x'.repeat(MAX_TEXT_LENGTH + 1)]) refuses(field, value, /must have 1 to 256 characters/)
    for (const value of [0.5, 2 ** 53, true, {}, ['Forest']]) refuses(field, value, /must be text/)
    expect(Object.values(decodeEvent(wireEvent({ [field]: 30 }), NOON_MS))).toContain('30')
    for (const value of ['\ud800', 'a\udc00b']) refuses(field, value, /well-formed/)
    const longest = 'x'.repeat(MAX_TEXT_LENGTH)
    expect(Object.values(decodeEvent(wireEvent({ [field]: longest }), NOON_MS))).toContain(longest)
  })

  it.each(Object.entries(OPTIONAL_TEXTS))(
    'may have text as %s; other values are reported and not used',
    (field, name) => {
      expect(decoded({ [field]: 'a' })).toMatchObject({ event: { [name]: 'a' }, unused: [] })
      expect(decoded({ [field]: 7 })).toMatchObject({ event: { [name]: '7' }, unused: [] })
      for (const value of ['', 'x'.repeat(MAX_TEXT_LENGTH + 1), 0.5, true, {}, ['a'], '\ud800']) {
        const { event, unused } = decoded({ [field]: value })
        expect(event).toEqual(decodeEvent(wireEvent(), NOON_MS))
        expect(unused.map(each => each.field)).toEqual([field])
      }
    },
  )

  it.each(['__proto__', 'constructor', 'toString', '🌲', ' ', '0', "O'Brien"])('may be named %j', name => {
    const event = decodeEvent(wireEvent({ image_id: name, class_name: name }), NOON_MS)
    expect(event).toMatchObject({ imageId: name, className: name })
  })

  it('is read from its own fields only, not from its prototype', () => {
    const json = '{"__proto__":{"image_id":"a","class_name":"Forest","ndvi_mean":0.5,"timestamp":"2026-01-01T00:00Z"}}'
    expect(defectOf(JSON.parse(json)).message).toMatch(/is missing/)
    expect(({} as Record<string, unknown>).image_id).toBeUndefined()
  })

  it('may have further fields, which are not kept', () => {
    const more = {
      epsg: 32629,
      platform: 'S2A',
      scene: { id: 'S2A' },
      landcover: 1,
      __proto: 1,
      ndviMean: 3,
      className: 'x',
    }
    expect(decodeEvent({ ...wireEvent(), ...more }, NOON_MS)).toEqual(decodeEvent(wireEvent(), NOON_MS))
  })

  it('cannot have a lowest pixel above its highest', () => {
    expect(defectOf(wireEvent({ ndvi_min: 0.5, ndvi_max: 0.4 }))).toMatchObject({
      field: 'ndvi_min',
      message: 'ndvi_min is above ndvi_max',
    })
    const mean = { ndvi_mean: 0.5 }
    expect(decodeEvent(wireEvent({ ...mean, ndvi_min: 0.5, ndvi_max: 0.5 }), NOON_MS).ndviMin).toBe(500_000)
    expect(decodeEvent(wireEvent({ ...mean, ndvi_min: 0.5 }), NOON_MS).ndviMax).toBeNull()
  })

  it('cannot have a mean outside its lowest and highest pixel', () => {
    const refusal = (fields: Partial<WireEvent>) => defectOf(wireEvent({ ndvi_mean: 0.5, ...fields }))
    const below = { field: 'ndvi_mean', message: 'ndvi_mean is below ndvi_min' }
    const above = { field: 'ndvi_mean', message: 'ndvi_mean is above ndvi_max' }
    for (const ndvi_max of [null, 0.9]) expect(refusal({ ndvi_min: 0.500001, ndvi_max })).toMatchObject(below)
    for (const ndvi_min of [null, -0.9]) expect(refusal({ ndvi_min, ndvi_max: 0.499999 })).toMatchObject(above)
    // A bound that cannot be used does not count as a bound.
    expect(decoded({ ndvi_mean: 0.5, ndvi_min: -9999, ndvi_max: -3000 }).event.ndviMean).toBe(500_000)
  })

  it.each([[7], [1_700_000_000], [99_999_999_999], [1_700_000_000_000.5], [true], ['soon'], ['2026-11'], ['20261122']])(
    'has a time that is not %j',
    value => refuses('timestamp', value, /ISO 8601.*milliseconds/),
  )

  it.each([[''], [{}], ['2026-02-30T00:00:00Z'], ['2026-02-30'], ['1795356000000 ']])(
    'has a time that is not %j',
    value => refuses('timestamp', value, /ISO 8601/),
  )

  it.each([
    ['2026-11-22', '2026-11-22T00:00:00.000Z'],
    ['2026-11-22 08:00:00+00', '2026-11-22T08:00:00.000Z'],
    ['2026-11-22 08:00:00 UTC', '2026-11-22T08:00:00.000Z'],
    ['2026-11-22T08:00:00+02', '2026-11-22T06:00:00.000Z'],
    [Date.UTC(2026, 10, 22, 8), '2026-11-22T08:00:00.000Z'],
    [100_000_000_000, '1973-03-03T09:46:40.000Z'],
  ])('may have the time %j', (timestamp, iso) => {
    const { eventMs } = decodeEvent({ ...wireEvent(), timestamp }, NOON_MS)
    expect(new Date(eventMs).toISOString()).toBe(iso)
  })

  it('cannot be from before 1970', () => {
    refuses('timestamp', '1969-12-31T23:59:59.999Z', /before 1970/)
    refuses('timestamp', '1970-01-01T00:00:00+01:00', /before 1970/)
    expect(decodeEvent(wireEvent({ timestamp: '1970-01-01T00:00:00Z' }), NOON_MS).eventMs).toBe(0)
  })

  it('may be up to ten minutes ahead of its arrival, as clocks are, and no more', () => {
    const at = (ms: number) => wireEvent({ timestamp: new Date(ms).toISOString() })
    const latest = NOON_MS + FUTURE_TOLERANCE_MS
    expect(decodeEvent(at(latest), NOON_MS).eventMs).toBe(latest)
    expect(defectOf(at(latest + 1))).toMatchObject({ field: 'timestamp' })
    expect(defectOf(at(latest + 1)).message).toMatch(/10 minutes after arrival/)
  })

  it('is refused with a message that does not contain its values', () => {
    const secret = 'sesame'
    for (const field of [...TEXTS, 'ndvi_mean', 'timestamp'] as const) {
      expect(defectOf(wireEvent({ [field]: { secret } })).message).not.toContain(secret)
    }
    for (const field of OPTIONAL) expect(decoded({ [field]: secret }).unused[0]?.message).not.toContain(secret)
  })

  it('decodes, if it is valid, to whole numbers of at most 32 bits, except for contrast', () => {
    fc.assert(
      fc.property(wireEvents, wire => {
        const { imageId, className, eventMs, siteId, sceneId, processingVersion, textureContrast, ...numbers } =
          decodeEvent(wire, NOON_MS)
        expect([imageId, className]).toEqual([wire.image_id, wire.class_name])
        expect([siteId, sceneId, processingVersion]).toEqual([wire.site_id, wire.scene_id, wire.processing_version])
        expect(textureContrast === null || Number.isSafeInteger(textureContrast)).toBe(true)
        expect(eventMs).toBe(Date.parse(wire.timestamp))
        for (const value of Object.values(numbers)) {
          if (value === null) continue
          expect(Number.isInteger(value) && Math.abs(value) < 2 ** 31 && !Object.is(value, -0)).toBe(true)
        }
      }),
    )
  })

  it('is either decoded or refused with a defect, for any JSON', () => {
    const shaped = fc.record(
      Object.fromEntries([...TEXTS, ...NUMBERS, 'timestamp'].map(field => [field, fc.jsonValue()])),
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), shaped), value => {
        try {
          decodeEvent(value, NOON_MS)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidEventError)
        }
      }),
    )
  })
})
