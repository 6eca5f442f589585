import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeDataset } from '../../data/generate.ts'
import { generateImages } from '../../data/generator.ts'
import { readPath } from '../support/read-files.ts'

const COMMAND = fileURLToPath(new URL('../../data/generate.ts', import.meta.url))
const SAMPLE = fileURLToPath(new URL('../../data/sample', import.meta.url))
const FILES = ['classes.csv', 'images.csv', 'ndvi_stats.csv', 'spectral_data.csv', 'truth.csv']

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landcover-generate-'))
})
afterEach(() => rm(folder, { recursive: true }))

function generate(...args: string[]) {
  return promisify(execFile)(process.execPath, [COMMAND, ...args], { cwd: folder })
}

describe('the generate command', () => {
  it('reproduces the committed sample byte for byte', async () => {
    const { stdout } = await generate('--images', '540', '--seed', '1', '--out', 'made')
    expect(stdout).toMatch(/^Wrote 540 images .* to made \(seed 1\)\.\n$/)
    expect((await readdir(SAMPLE)).sort()).toEqual(FILES)
    for (const name of FILES) {
      expect(await readFile(join(folder, 'made', name)), name).toEqual(await readFile(join(SAMPLE, name)))
    }
  })

  it.each([
    ['an unknown option', ['--sed', '3'], /--sed/],
    ['a seed that is not a number', ['--seed', '1x'], /--seed must be a whole number from 0 to 4294967295, not 1x/],
    ['no images', ['--images', '0'], /--images must be/],
    ['no days', ['--days', '0'], /--days must be/],
    ['an invalid time', ['--until', 'tomorrow'], /--until must be an ISO 8601/],
    ['an argument without an option', ['540'], /540/],
  ])('refuses %s with exit code 2 and writes nothing', async (_, args, message) => {
    await expect(generate(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(message) })
    expect(await readdir(folder)).toEqual([])
  })

  it('lists its options with --help', async () => {
    expect((await generate('--help')).stdout).toMatch(/--seed[\s\S]*--images[\s\S]*--days[\s\S]*--until[\s\S]*--out/)
  })
})

describe('a written dataset', () => {
  it('contains the same images when it is read back, and lists the anomalies', async () => {
    const images = [...generateImages({ seed: 5, images: 400, untilMs: Date.UTC(2026, 5, 1) })]
    const anomalous = images.filter(({ anomaly }) => anomaly !== null)
    expect(await writeDataset(folder, images)).toEqual({ images: 400, anomalies: anomalous.length })
    const read = []
    for await (const each of readPath(folder, { now: () => Date.UTC(2026, 5, 1) })) {
      read.push('event' in each && each.event())
    }
    expect(read).toHaveLength(400)
    for (const [index, image] of images.entries()) {
      expect(read[index]).toMatchObject({
        image_id: image.imageId,
        class_name: image.className,
        ndvi_mean: image.ndviMean,
        vegetation_index: image.vegetationIndex,
        brightness_mean: image.brightnessMean,
        timestamp: new Date(image.timestampMs).toISOString(),
      })
    }
    const truth = await readFile(join(folder, 'truth.csv'), 'utf8')
    expect(truth.trim().split('\n').slice(1)).toEqual(anomalous.map(({ imageId, anomaly }) => `${imageId},${anomaly}`))
  })
})
