import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mapping } from '../../functions/files/mapping.ts'
import { readSource } from '../../functions/files/read-events.ts'
import { findSources } from '../../functions/files/sources.ts'

/**
 * Reads files of people in all ways that a planted bug of the rules for files may change, and compares with what
 * docs/your-data.md says. Says what differs, and ends with 1 then. test/files/planted.test.ts runs it.
 */

interface File {
  law: string
  lines: string[]
  mapping?: Mapping
  /** `id class time ndvi` of each image, or `refused` where nothing is taken. */
  images: string[] | 'refused'
}

const HEADER = 'image_id,class_name,timestamp,ndvi_mean'
const FOREST: Mapping = { constants: { class_name: 'Forest', image_id: '{file}_{date}' } }
const ONE = ['a Forest 2024-06-11T08:00 0.42']

const FILES: File[] = [
  {
    law: 'a file without a time is not dated now',
    lines: ['image_id,class_name,ndvi_mean', 'a,Forest,0.42'],
    images: 'refused',
  },
  {
    law: 'a file in another scale is refused as a whole',
    lines: [HEADER, 'a,Forest,2024-06-11,1', 'b,Forest,2024-06-12,4200', 'c,Forest,2024-06-13,5200'],
    images: 'refused',
  },
  {
    law: 'an offset is added after the scale',
    lines: [HEADER, 'a,Forest,2024-06-11T08:00Z,125'],
    mapping: { scale: { ndvi: 0.004 }, offset: { ndvi: -0.08 } },
    images: ONE,
  },
  {
    law: 'a fill value that was named is no image',
    lines: [HEADER, 'a,Forest,2024-06-11T08:00Z,0.42', 'b,Forest,2024-06-11T08:00Z,-0.3'],
    mapping: { nodata: [-0.3] },
    images: ONE,
  },
  {
    law: 'epochs have their unit by their size',
    lines: [HEADER, 'a,Forest,1718092800,0.42', 'b,Forest,1718092800000,0.42', 'c,Forest,1718092800000000,0.42'],
    images: ['a', 'b', 'c'].map(id => `${id} Forest 2024-06-11T08:00 0.42`),
  },
  {
    law: 'a time of a zone is turned into UTC',
    lines: [HEADER, 'a,Forest,2024-06-11 10:00,0.42'],
    mapping: { timeZone: 'Europe/Berlin' },
    images: ONE,
  },
  {
    law: 'an anomaly is not NDVI',
    lines: ['image_id,class_name,timestamp,anomaly_ndvi', 'a,Forest,2024-06-11,0.42'],
    images: 'refused',
  },
  {
    law: 'a line of totals is no image',
    lines: ['site,timestamp,ndvi_mean', 'A,2024-06-11T08:00Z,0.42', 'Total,2024-06-11T08:00Z,0.5'],
    mapping: { constants: { class_name: 'Forest' } },
    images: ['A_2024-06-11 Forest 2024-06-11T08:00 0.42'],
  },
  {
    law: 'a required column that is there twice is refused',
    lines: ['image_id,class_name,date,date,ndvi_mean', 'a,Forest,2024-06-11,2024-07-11,0.42'],
    images: 'refused',
  },
  {
    law: 'a title is passed over, and no row with it',
    lines: ['A title', '', HEADER, 'a,Forest,2024-06-11T08:00Z,0.42'],
    images: ONE,
  },
  {
    law: 'a number beside a date is no time of another year',
    lines: ['image_id,class_name,date,time,ndvi_mean', 'a,Forest,2024-06-11,600000000,0.42'],
    images: 'refused',
  },
  {
    law: 'standard deviations below dates are not NDVI',
    lines: ['2024-06-11_mean,2024-06-11_std,2024-06-12_mean,2024-06-12_std', '0.42,0.1,0.5,0.1'],
    mapping: FOREST,
    images: ['a_2024-06-11 Forest 2024-06-11T00:00 0.42', 'a_2024-06-12 Forest 2024-06-12T00:00 0.5'],
  },
]

async function imagesOf({ lines, mapping = {} }: File, folder: string): Promise<string[] | 'refused'> {
  const path = join(folder, 'a.csv')
  writeFileSync(path, `${lines.join('\n')}\n`)
  const images: string[] = []
  const { sources } = await findSources(path)
  const options = { now: () => Date.UTC(2026, 0, 1), mapping, classes: ['Forest', 'River'] }
  for (const source of sources) {
    try {
      for await (const rows of readSource(source, options)) {
        for (const row of rows) {
          if (!('event' in row)) continue
          const { image_id, class_name, timestamp, ndvi_mean } = row.event()
          images.push(`${image_id} ${class_name} ${timestamp.slice(0, 16)} ${ndvi_mean}`)
        }
      }
    } catch {
      return 'refused'
    }
  }
  return images.length === 0 ? 'refused' : images
}

const folder = mkdtempSync(join(tmpdir(), 'landcover-files-'))
for (const file of FILES) {
  const images = await imagesOf(file, folder)
  if (JSON.stringify(images) === JSON.stringify(file.images)) continue
  process.stdout.write(`differ: ${file.law}: ${JSON.stringify(images)}\n`)
  process.exitCode = 1
}
rmSync(folder, { recursive: true })
