/** Fields of a STAC item that are read (STAC 1.0 and 1.1 with the extensions eo, raster, proj, grid). */
export interface StacItem {
  id: string
  properties: Record<string, unknown>
  assets: Record<string, StacAsset>
}

/** Asset of a STAC item: one file, and how its bands are described. */
export interface StacAsset {
  href: string
  type?: string
  'eo:bands'?: StacBand[]
  'raster:bands'?: StacBand[]
  bands?: StacBand[]
  [field: string]: unknown
}

/** Band of an asset, with the fields of STAC 1.0 or 1.1. */
export type StacBand = Record<string, unknown>
