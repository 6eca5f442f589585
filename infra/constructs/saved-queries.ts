import { CfnNamedQuery, type CfnWorkGroup } from 'aws-cdk-lib/aws-athena'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'

/** Saved query of Athena. */
export interface SavedQuery {
  name: string
  description: string
  sql: string
}

/** The newest seven days of arrival, with the hour before: a record may be a copy of one of half an hour earlier. */
const NEWEST = "cast(cast(current_date - interval '7' day as date) as varchar)"
const BEFORE = "cast(cast(current_date - interval '8' day as date) as varchar)"

/** Each image that arrived in the newest seven days once: see docs/query-the-archive.md. Imports are in older slots. */
const IMAGES = `with records as (
  select
    *,
    rank() over (
      partition by coalesce(producer || ':' || cast(counter as varchar), lane || ':' || sequence)
      order by sequence, source_file
    ) as place,
    max(counter) over (partition by lane, coalesce(producer, sequence) order by sequence) as highest_counter
  from landcover_archive
  where arrival_slot >= ${BEFORE}
),
images as (
  select *
  from records
  where place = 1 and (counter is null or counter = highest_counter) and image_id is not null
    and arrival_slot >= ${NEWEST}
)
`

/** Queries for the questions that people ask first. Each text runs on Athena, Trino and DuckDB. */
export const SAVED_QUERIES: readonly SavedQuery[] = [
  {
    name: 'statistics of each class',
    description: 'NDVI of each class over all time, as the batch view has it',
    sql: `select class_name, image_count, ndvi_avg, ndvi_stddev, ndvi_global_min, ndvi_global_max, cut
from landcover_aggregates
order by class_name`,
  },
  {
    name: 'how each class changed since it was counted last',
    description: 'The newest two revisions of the batch view side by side',
    sql: `select
  newest.class_name,
  newest.image_count - coalesce(previous.image_count, 0) as more_images,
  newest.ndvi_avg,
  newest.ndvi_avg - previous.ndvi_avg as ndvi_change
from landcover_aggregates as newest
left join landcover_aggregates_all as previous
  on previous.class_name = newest.class_name
  and previous.revision = (
    select max(revision) from landcover_aggregates_all
    where revision < (select max(revision) from landcover_aggregates_all)
  )
order by newest.class_name`,
  },
  {
    name: 'NDVI of each class and day',
    description: 'Images that arrived in the newest seven days, by the day on which they were taken',
    sql: `${IMAGES}select event_day, class_name, count(*) as images, avg(ndvi_mean) as ndvi_avg, stddev_samp(ndvi_mean) as ndvi_stddev
from images
group by event_day, class_name
order by event_day, class_name`,
  },
  {
    name: 'images with the lowest NDVI',
    description: 'The hundred lowest images that arrived in the newest seven days',
    sql: `${IMAGES}select event_time, class_name, image_id, site_id, ndvi_mean, scene_id
from images
order by ndvi_mean, image_id
limit 100`,
  },
  {
    name: 'late images',
    description: 'How many images of each class came late in the newest seven days, and after how many seconds',
    sql: `${IMAGES}select
  class_name,
  count(*) as images,
  sum(case when late then 1 else 0 end) as late_images,
  avg((arrival_ms - event_ms) / 1000.0) as average_seconds,
  max((arrival_ms - event_ms) / 1000.0) as longest_seconds
from images
group by class_name
order by class_name`,
  },
]

/** Saves the queries in a stage's work group. */
export function addSavedQueries(workGroup: CfnWorkGroup, stage: Stage, names: Names): void {
  for (const [index, { name, description, sql }] of SAVED_QUERIES.entries()) {
    const saved = new CfnNamedQuery(workGroup, `Query${index}`, {
      name: `landcover ${stage.name}: ${name}`,
      description,
      database: names.database,
      queryString: sql,
      workGroup: names.workGroup,
    })
    saved.addResourceDependency(workGroup)
  }
}
