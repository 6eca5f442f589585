-- Totals per arrival slot, UTC day of the event, and class, for the slots from :from (included) to :until (not).
--
-- A producer may have sent a record twice, and files may overlap: of the rows of one record's line, the one that the
-- log took first counts, in the slot of its own arrival. Copies can lie as far apart as the look-back, and arrival
-- times may go back by up to a slot, so the query reads from :look_back up to :next_slot (both included).
-- First means by sequence, never by time.
with numbered as (
  select
    *,
    row_number() over (partition by record_id, line order by sequence) as copy
  from landcover_archive
  where arrival_slot >= :look_back and arrival_slot <= :next_slot
)
select
  arrival_slot,
  event_day,
  class_name,
  count(*) as image_count,
  count(*) filter (where late) as late_count,
  sum(cast(ndvi_mean_micro as decimal(38, 0))) as ndvi_sum,
  sum(cast(cast(ndvi_mean_micro as bigint) * ndvi_mean_micro as decimal(38, 0))) as ndvi_square_sum,
  min(ndvi_min_micro) as ndvi_min,
  max(ndvi_max_micro) as ndvi_max,
  count(red_mean_milli) as red_count,
  sum(cast(red_mean_milli as decimal(38, 0))) as red_sum,
  count(green_mean_milli) as green_count,
  sum(cast(green_mean_milli as decimal(38, 0))) as green_sum,
  count(blue_mean_milli) as blue_count,
  sum(cast(blue_mean_milli as decimal(38, 0))) as blue_sum,
  count(nir_mean_milli) as nir_count,
  sum(cast(nir_mean_milli as decimal(38, 0))) as nir_sum,
  count(brightness_mean_milli) as brightness_count,
  sum(cast(brightness_mean_milli as decimal(38, 0))) as brightness_sum
from numbered
where copy = 1 and arrival_slot >= :from and arrival_slot < :until
group by arrival_slot, event_day, class_name
