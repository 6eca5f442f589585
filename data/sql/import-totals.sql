-- Totals per UTC day of the event and class of one imported file. Its rows are no records of the log: they have no
-- copies, and lie in an arrival slot of their own, :import_slot.
select
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
from landcover_archive
where arrival_slot = :import_slot and lane = :lane
group by event_day, class_name
