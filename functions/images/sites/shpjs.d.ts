/** The part of shpjs that is used. It comes without types. */
declare module 'shpjs' {
  /** Geometries in longitude and latitude, as GeoJSON. `prj` is the text of the .prj file. */
  export function parseShp(shp: Uint8Array, prj?: string): unknown[]
  /** A row of attributes for each geometry. `cpg` names the text encoding. */
  export function parseDbf(dbf: Uint8Array, cpg?: string): Record<string, unknown>[]
}
