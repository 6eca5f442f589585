-- What the archive's files hold of the arrival slots from :from (included) to :until (not), of the lanes of :lane only
-- where that is not empty, before any copy is left out: the measure of what totals.sql makes of it, and of whether files came after
-- their slot had been counted. A record stands in each of its files whole, so it has as many events as any of them says.
with
in_files as (
  select arrival_slot, lane, sequence, source_file, count(image_id) as row_count
  from landcover_archive
  where arrival_slot >= :from and arrival_slot < :until and ('' in (:lane) or lane in (:lane))
  group by arrival_slot, lane, sequence, source_file
),
records as (
  select arrival_slot, sum(row_count) as row_count, max(row_count) as event_count
  from in_files
  group by arrival_slot, lane, sequence
)
select
  arrival_slot,
  cast(sum(row_count) as bigint) as row_count,
  cast(sum(event_count) as bigint) as event_count
from records
group by arrival_slot
