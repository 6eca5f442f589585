import { describe, expect, test } from 'vitest'
import { ARCHIVE_COLUMNS } from '../../functions/archive/parquet.ts'
import { ARCHIVE_TABLE_COLUMNS, archiveTableDdl, slotProjection } from '../../functions/archive/table.ts'
import { HOUR_MS } from '../../functions/core/time.ts'

describe('the table of the archive', () => {
  test("has the columns of the files, in their order, with Hive's names for their types", () => {
    expect(ARCHIVE_TABLE_COLUMNS.map(({ name }) => name)).toEqual(ARCHIVE_COLUMNS.map(({ name }) => name))
    expect(ARCHIVE_TABLE_COLUMNS).toEqual(
      expect.arrayContaining([
        { name: 'image_id', type: 'string' },
        { name: 'event_time', type: 'timestamp' },
        { name: 'event_ms', type: 'bigint' },
        { name: 'ndvi_mean_micro', type: 'int' },
        { name: 'ndvi_mean', type: 'double' },
        { name: 'late', type: 'boolean' },
      ]),
    )
  })

  test('finds slots from the slot of imports onwards, as the parameters for Athena say', () => {
    expect(slotProjection(HOUR_MS)).toEqual({
      'projection.enabled': 'true',
      'projection.arrival_slot.type': 'date',
      'projection.arrival_slot.format': "yyyy-MM-dd'T'HH-mm",
      'projection.arrival_slot.range': '2025-01-01T00-00,NOW',
      'projection.arrival_slot.interval': '60',
      'projection.arrival_slot.interval.unit': 'MINUTES',
    })
  })

  test('is created in Trino with the same parameters', () => {
    const ddl = archiveTableDdl('s3://bucket/archive', slotProjection(HOUR_MS))
    expect(ddl).toContain("external_location = 's3://bucket/archive'")
    expect(ddl).toContain(
      "arrival_slot varchar with (partition_projection_type = 'date', " +
        "partition_projection_format = 'yyyy-MM-dd''T''HH-mm', " +
        "partition_projection_range = array['2025-01-01T00-00','NOW'], " +
        "partition_projection_interval = 60, partition_projection_interval_unit = 'MINUTES')",
    )
  })
})
