-- What the archive's files hold of the arrival slots from :from (included) to :until (not), before any copy is left
-- out: the measure of what totals.sql makes of it, and of whether files came after their slot had been counted.
select
  arrival_slot,
  count(distinct source_file) as file_count,
  count(image_id) as row_count,
  -- Different events by their place in the log. Positions have one length within a lane's log.
  count(distinct case when image_id is not null then lane || ':' || sequence || ':' || cast(line as varchar) end)
    as event_count
from landcover_archive
where arrival_slot >= :from and arrival_slot < :until and (:lane = '' or lane = :lane)
group by arrival_slot
