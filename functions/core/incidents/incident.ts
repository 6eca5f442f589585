import type { AlertMessage } from './messages.ts'
import type { Severity, SiteChange } from './site-change.ts'

/** Incident as people and programs see it. Times are ISO 8601, NDVI is -1 to 1. */
export interface Incident {
  /** Id by which receivers recognise it: the same in every view that has it. */
  id: string
  kind: AlertMessage['kind']
  /** Cause of a change at many sites: the land, or the producer of the images; null where it is not known. */
  cause: AlertMessage['cause']
  class_name: string
  /** Null for an incident of a class. */
  site_id: string | null
  state: SiteChange['state']
  severity: Severity
  /** Time of the first unusual look, of the look that opened it, and of its end; null while it is open. */
  first_at: string
  opened_at: string
  closed_at: string | null
  /** Change of NDVI: the median of its unusual looks; negative for a drop. Null for an incident of a class. */
  ndvi_change: number | null
  /** Distance of its furthest look from normal, standard deviations. Null for an incident of a class. */
  score: number | null
  /** Number of sites. */
  sites: number
  /** Id of the class's incident that the change of this site is a part of. */
  part_of: string | null
  /** Place of the last look that has one, degrees. */
  lon: number | null
  lat: number | null
  /** True when the image that opened it came with an import: then receivers are not told of it. */
  from_import: boolean
}
