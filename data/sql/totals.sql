-- Totals of the events that count (events.sql) by arrival day, UTC day of the event, class and NDVI bin.
--
-- Sums are integers: millionths of NDVI (micro), thousandths of a band's unit (milli), and products of them. Sums of a
-- band with NDVI include only images where the band was measured.
select
  arrival_day,
  event_day,
  class_name,
  ndvi_bin,
  count(*) as image_count,
  count(*) filter (where late) as late_count,
  -- Rows of looks.sql.
  count(*) filter (where site_id is not null or lon_e7 is not null and lat_e7 is not null) as look_count,
  sum(cast(ndvi_mean_micro as decimal(38, 0))) as ndvi_sum,
  sum(cast(cast(ndvi_mean_micro as bigint) * ndvi_mean_micro as decimal(38, 0))) as ndvi_square_sum,
  min(ndvi_min_micro) as ndvi_min,
  max(ndvi_max_micro) as ndvi_max,
  count(red_mean_milli) as red_count,
  sum(cast(red_mean_milli as decimal(38, 0))) as red_sum,
  sum(cast(cast(red_mean_milli as bigint) * red_mean_milli as decimal(38, 0))) as red_square_sum,
  sum(cast(ndvi_mean_micro as decimal(38, 0))) filter (where red_mean_milli is not null) as red_ndvi_sum,
  sum(cast(cast(ndvi_mean_micro as bigint) * ndvi_mean_micro as decimal(38, 0)))
    filter (where red_mean_milli is not null) as red_ndvi_square_sum,
  sum(cast(cast(red_mean_milli as bigint) * ndvi_mean_micro as decimal(38, 0))) as red_ndvi_product_sum,
  count(green_mean_milli) as green_count,
  sum(cast(green_mean_milli as decimal(38, 0))) as green_sum,
  sum(cast(cast(green_mean_milli as bigint) * green_mean_milli as decimal(38, 0))) as green_square_sum,
  sum(cast(ndvi_mean_micro as decimal(38, 0))) filter (where green_mean_milli is not null) as green_ndvi_sum,
  sum(cast(cast(ndvi_mean_micro as bigint) * ndvi_mean_micro as decimal(38, 0)))
    filter (where green_mean_milli is not null) as green_ndvi_square_sum,
  sum(cast(cast(green_mean_milli as bigint) * ndvi_mean_micro as decimal(38, 0))) as green_ndvi_product_sum,
  count(blue_mean_milli) as blue_count,
  sum(cast(blue_mean_milli as decimal(38, 0))) as blue_sum,
  sum(cast(cast(blue_mean_milli as bigint) * blue_mean_milli as decimal(38, 0))) as blue_square_sum,
  sum(cast(ndvi_mean_micro as decimal(38, 0))) filter (where blue_mean_milli is not null) as blue_ndvi_sum,
  sum(cast(cast(ndvi_mean_micro as bigint) * ndvi_mean_micro as decimal(38, 0)))
    filter (where blue_mean_milli is not null) as blue_ndvi_square_sum,
  sum(cast(cast(blue_mean_milli as bigint) * ndvi_mean_micro as decimal(38, 0))) as blue_ndvi_product_sum,
  count(nir_mean_milli) as nir_count,
  sum(cast(nir_mean_milli as decimal(38, 0))) as nir_sum,
  sum(cast(cast(nir_mean_milli as bigint) * nir_mean_milli as decimal(38, 0))) as nir_square_sum,
  sum(cast(ndvi_mean_micro as decimal(38, 0))) filter (where nir_mean_milli is not null) as nir_ndvi_sum,
  sum(cast(cast(ndvi_mean_micro as bigint) * ndvi_mean_micro as decimal(38, 0)))
    filter (where nir_mean_milli is not null) as nir_ndvi_square_sum,
  sum(cast(cast(nir_mean_milli as bigint) * ndvi_mean_micro as decimal(38, 0))) as nir_ndvi_product_sum,
  count(brightness_mean_milli) as brightness_count,
  sum(cast(brightness_mean_milli as decimal(38, 0))) as brightness_sum,
  sum(cast(cast(brightness_mean_milli as bigint) * brightness_mean_milli as decimal(38, 0))) as brightness_square_sum,
  sum(cast(ndvi_mean_micro as decimal(38, 0))) filter (where brightness_mean_milli is not null) as brightness_ndvi_sum,
  sum(cast(cast(ndvi_mean_micro as bigint) * ndvi_mean_micro as decimal(38, 0)))
    filter (where brightness_mean_milli is not null) as brightness_ndvi_square_sum,
  sum(cast(cast(brightness_mean_milli as bigint) * ndvi_mean_micro as decimal(38, 0))) as brightness_ndvi_product_sum
from events
group by arrival_day, event_day, class_name, ndvi_bin
