-- Events that count, of the arrival slots from :from (included) to :until (excluded). If :lane is not empty, only its lanes
-- count. totals.sql and looks.sql continue this statement: they select from `events`.
--
-- A record can be in the archive more than once: in overlapping files, and because its producer sent it again.
-- 1. Of several files with the same position, the first by name counts.
-- 2. Of several copies of a record, the first position counts, in the slot of its own arrival.
-- 3. Within a lane a record counts only if its counter is higher than all counters before it, as in the speed layer.
--
-- "Before" means a lower sequence, never an earlier time, and an arrival no earlier than the look-back of the record. It
-- may be later: a clock that leapt ahead may have stamped the first record. So the result does not depend on which slots
-- are queried together. Arrival times can go back by less than a slot. Therefore records are read from :look_back to
-- :next_slot (both included), and in the slots :leapt_slots, which hold records from before the counted ones.
--
-- Imports are not records of a log. Several of them may hold the same image. Of images with the same class, id and time
-- one counts: the one of the latest import that replaces, or of the earliest import if none replaces. Within an import
-- its first row counts.
--
-- An import of a newer version of a satellite scene (:replacing) may hold images that are on the log. Those of the log do
-- not count then. The ids of these images begin with the scene, and only scenes have producers of such a name.
--
-- A record without any counted event has one row without an event, so that its copies are recognised.
with
positions as (
  select
    lane,
    sequence,
    producer,
    counter,
    arrival_slot,
    min(arrival_ms) - min(arrival_ms) % :slot_ms as slot_start_ms,
    min(source_file) as source_file
  from landcover_archive
  where (arrival_slot >= :look_back and arrival_slot <= :next_slot or arrival_slot in (:leapt_slots))
    and ('' in (:lane) or lane in (:lane))
  group by lane, sequence, producer, counter, arrival_slot
),
ranked as (
  select
    *,
    row_number() over (partition by producer, counter order by sequence, lane) as copy,
    max(counter) over (partition by producer, lane order by sequence) as highest_counter
  from positions
  where producer is not null
),
-- Possible copies, before the look-back is checked. They are few.
suspects as (
  select * from ranked where copy > 1 or counter < highest_counter
),
copies as (
  select distinct suspects.lane, suspects.sequence
  from suspects
  join ranked as earlier
    on earlier.producer = suspects.producer
    and (earlier.sequence < suspects.sequence or earlier.sequence = suspects.sequence and earlier.lane < suspects.lane)
    and (earlier.counter = suspects.counter or earlier.lane = suspects.lane and earlier.counter > suspects.counter)
    and earlier.slot_start_ms >= suspects.slot_start_ms - :look_back_ms
),
counted as (
  select positions.lane, positions.sequence, positions.source_file
  from positions
  left join copies on copies.lane = positions.lane and copies.sequence = positions.sequence
  where copies.sequence is null and positions.arrival_slot >= :from and positions.arrival_slot < :until
),
repeated as (
  select
    lane,
    sequence,
    line,
    row_number() over (
      partition by class_name, image_id, event_ms
      order by case when lane like 'import-replacing-%' then -arrival_ms else arrival_ms end, lane, sequence, line
    ) as copy
  from landcover_archive
  where arrival_slot >= :from and arrival_slot < :until and lane in (:lane) and lane like 'import-%'
    and image_id is not null
),
replaced as (
  select distinct image_id
  from landcover_archive
  where arrival_slot = :import_slot and lane in (:replacing) and image_id is not null
),
events as (
  select
    archive.*,
    substr(archive.arrival_slot, 1, 10) as arrival_day,
    -- Bin n holds NDVI from n / 1000 (included) to (n + 1) / 1000 (excluded), also below zero.
    cast(floor(archive.ndvi_mean_micro / 1000e0) as integer) as ndvi_bin
  from landcover_archive as archive
  join counted
    on archive.lane = counted.lane
    and archive.sequence = counted.sequence
    and archive.source_file = counted.source_file
  left join repeated
    on archive.lane = repeated.lane
    and archive.sequence = repeated.sequence
    and archive.line = repeated.line
    and repeated.copy > 1
  left join replaced
    on archive.producer like 'scene-%'
    and archive.image_id = replaced.image_id
  where archive.arrival_slot >= :from and archive.arrival_slot < :until and ('' in (:lane) or archive.lane in (:lane))
    and archive.image_id is not null and repeated.lane is null and replaced.image_id is null
)
