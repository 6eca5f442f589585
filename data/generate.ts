import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { UsageError } from '../functions/cli/command.ts'
import { formatTimestamp, parseTimestamp } from '../functions/core/time.ts'
import { CLASSES, type GeneratedImage, generateImages } from './generator.ts'
import { writeScene } from './scene.ts'

const USAGE = `Usage: node data/generate.ts [options]

Writes generated images as CSV files: images, classes, ndvi_stats, spectral_data, and truth (the injected anomalies).
With --scene writes a satellite scene instead: GeoTIFFs, a STAC item, and the outlines of 13 fields.

  --seed N      seed of the random numbers, 0 to 4294967295; the same seed gives the same files (default 1)
  --images N    number of images (default 27000)
  --days N      number of days that the images cover (default 30)
  --until TIME  end of these days, ISO 8601, UTC (default 2026-11-01T00:00:00Z)
  --out FOLDER  output folder; existing files are replaced (default data/generated)
  --scene FOLDER writes a scene to this folder; of the other options it uses --seed only
  --help        show this help`

/**
 * Writes four CSV files in the original's format, and truth.csv with one row for each injected anomaly. Creates the
 * folder. Keeps all images in memory as text until they are written.
 */
export async function writeDataset(
  folder: string,
  images: Iterable<GeneratedImage>,
): Promise<{ images: number; anomalies: number }> {
  const imageRows = ['image_id,class_id,timestamp']
  const ndviRows = ['image_id,ndvi_mean,ndvi_std,ndvi_min,ndvi_max,vegetation_index']
  const spectralRows = ['image_id,red_mean,green_mean,blue_mean,nir_mean,brightness_mean']
  const truthRows = ['image_id,anomaly']
  for (const image of images) {
    const { imageId } = image
    imageRows.push(row(imageId, image.classId, formatTimestamp(image.timestampMs)))
    ndviRows.push(row(imageId, image.ndviMean, image.ndviStd, image.ndviMin, image.ndviMax, image.vegetationIndex))
    spectralRows.push(row(imageId, image.redMean, image.greenMean, image.blueMean, image.nirMean, image.brightnessMean))
    if (image.anomaly !== null) truthRows.push(row(imageId, image.anomaly))
  }
  const classRows = ['class_id,class_name', ...CLASSES.map(({ classId, className }) => row(classId, className))]
  await mkdir(folder, { recursive: true })
  await Promise.all([
    writeRows(join(folder, 'images.csv'), imageRows),
    writeRows(join(folder, 'classes.csv'), classRows),
    writeRows(join(folder, 'ndvi_stats.csv'), ndviRows),
    writeRows(join(folder, 'spectral_data.csv'), spectralRows),
    writeRows(join(folder, 'truth.csv'), truthRows),
  ])
  return { images: imageRows.length - 1, anomalies: truthRows.length - 1 }
}

/** CSV row. Generated ids, names and numbers contain no commas or quotes, so nothing is quoted. */
function row(...cells: (string | number)[]): string {
  return cells.join(',')
}

async function writeRows(path: string, rows: string[]): Promise<void> {
  await writeFile(path, `${rows.join('\n')}\n`)
}

function readOptions(args: string[]) {
  const { values } = parseOptions(args)
  const untilMs = parseTimestamp(values.until)
  if (untilMs === null)
    throw new UsageError(`--until must be an ISO 8601 date and time like 2026-11-01T00:00:00Z, not ${values.until}`)
  const days = Number(values.days)
  if (!(days > 0 && days <= 36_525))
    throw new UsageError(`--days must be a number above 0 and at most 36525, not ${values.days}`)
  return {
    help: values.help,
    scene: values.scene,
    out: values.out,
    seed: wholeNumber(values.seed, '--seed', 0, 2 ** 32 - 1),
    images: wholeNumber(values.images, '--images', 1, 10_000_000),
    days,
    untilMs,
  }
}

function parseOptions(args: string[]) {
  try {
    return parseArgs({
      args,
      strict: true,
      options: {
        seed: { type: 'string', default: '1' },
        images: { type: 'string', default: '27000' },
        days: { type: 'string', default: '30' },
        until: { type: 'string', default: '2026-11-01T00:00:00Z' },
        out: { type: 'string', default: 'data/generated' },
        scene: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function wholeNumber(text: string, option: string, lowest: number, highest: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= lowest && number <= highest)) {
    throw new UsageError(`${option} must be a whole number from ${lowest} to ${highest}, not ${text}`)
  }
  return number
}

async function main(args: string[]): Promise<void> {
  const { help, out, scene, ...wanted } = readOptions(args)
  if (help) {
    console.log(USAGE)
    return
  }
  if (scene !== undefined) {
    const { pixels, fields } = await writeScene(scene, wanted.seed)
    console.log(`Wrote a scene of ${pixels} pixels and ${fields} fields to ${scene} (seed ${wanted.seed}).`)
    return
  }
  const written = await writeDataset(out, generateImages(wanted))
  console.log(
    `Wrote ${written.images} images for the ${wanted.days} days until ${formatTimestamp(wanted.untilMs)}, ` +
      `${written.anomalies} of them with an anomaly, to ${out} (seed ${wanted.seed}).`,
  )
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\nRun with --help to see all options.`)
    process.exitCode = 2
  }
}
