/** Settings of the function that observes scenes as they arrive. */
export interface ImageSettings {
  /** Hosts from which items and images may be read, without ports. */
  hosts: string[]
  /** Buckets from which they may be read. */
  buckets: string[]
  /** Minimum share of a site that must be valid, 0 to 1. */
  minValid: number
  /** True if the texture is measured as well. */
  texture: boolean
}

/** Parses the settings from JSON. @throws Error when it is another document */
export function parseImageSettings(text: string): ImageSettings {
  const settings = JSON.parse(text) as Partial<ImageSettings>
  const { hosts, buckets, minValid, texture } = settings
  const isList = (value: unknown) => Array.isArray(value) && value.every(each => typeof each === 'string')
  const isValid = isList(hosts) && isList(buckets) && typeof texture === 'boolean'
  if (!isValid || !(typeof minValid === 'number' && minValid >= 0 && minValid <= 1)) {
    throw new Error(`${text} are not settings of images: hosts, buckets, minValid, texture`)
  }
  return settings as ImageSettings
}
