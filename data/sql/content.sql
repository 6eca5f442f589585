-- Number of rows and events of each arrival slot from :from (included) to :until (excluded). If :lane is not empty, only
-- its lanes are counted. Copies are included. The result shows whether totals.sql counts correctly, and whether files
-- came after their slot was counted. Each file of a record holds the whole record, so the event count of a record is the
-- same in all its files.
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
