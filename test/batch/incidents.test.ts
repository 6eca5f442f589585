import { expect, it } from 'vitest'
import { generateSites, type SiteLook } from '../../data/sites.ts'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { importEvents, laneOfImport, withdrawImport } from '../../functions/archive/imports.ts'
import { publishIncidents } from '../../functions/batch/incidents.ts'
import {
  encodeIncidents,
  INCIDENTS_PREFIX,
  type Incidents,
  incidentsKey,
  incidentsReader,
  readIncidents,
} from '../../functions/batch/incidents-file.ts'
import { publishView } from '../../functions/batch/view.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import { compareText } from '../../functions/core/text-order.ts'
import { DAY_MS, HOUR_MS } from '../../functions/core/time.ts'
import { emptyView, imageEvent, NOON_MS, wireEvent } from '../support/factories.ts'
import { openImportPipeline } from '../support/imported.ts'
import { openOneLane } from '../support/one-lane.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const DAYS = 1_100
const FROM_MS = NOON_MS - DAYS * DAY_MS
const CUT_DAY = 900

function eventOf({ imageId, siteId, timestampMs, ndviMean, redMean, blueMean }: SiteLook) {
  return imageEvent({
    ...{ imageId, siteId, eventMs: timestampMs, ndviMean: Math.round(ndviMean * 1e6) },
    ...{ red: redMean * 1_000, blue: blueMean * 1_000, lon: 130_000_000, lat: 520_000_000 },
  })
}

const looksOf = (cuts: ReadonlyMap<number, number>, sites = 8) =>
  generateSites({ seed: 1, sites, days: DAYS, fromMs: FROM_MS, cuts }).map(eventOf)
const ONE_CUT = looksOf(new Map([[2, CUT_DAY]]))

async function open() {
  const { pipeline } = await openImportPipeline()
  const { objects } = pipeline
  return {
    pipeline,
    async put(name: string, rows: ReturnType<typeof looksOf>): Promise<Incidents> {
      await importEvents(objects, HOUR_MS, name, [rows], NOON_MS)
      await pipeline.runBatch()
      return (await readIncidents(objects)) as Incidents
    },
  }
}

it('a clear-cut of one site opens one incident, of that site', async () => {
  const { put } = await open()
  const { revision, looks, sites, judgedSites, skipped, incidents } = await put('a', ONE_CUT)
  expect({ revision, looks, sites, judgedSites, skipped }).toEqual({
    ...{ revision: 1, looks: ONE_CUT.length, sites: 8, judgedSites: 8, skipped: null },
  })
  const [incident, ...others] = incidents
  expect(others).toEqual([])
  expect(incident).toMatchObject({
    ...{ kind: 'site-change', class_name: 'Forest', site_id: 'site_2', state: 'confirmed', severity: 'error' },
    ...{ closed_at: null, sites: 1, part_of: null, lon: 13, lat: 52 },
  })
  expect(incident?.ndvi_change).toBeLessThan(-0.2)
  expect(incident?.score).toBeLessThan(-5)
  const [first, opened] = [incident?.first_at, incident?.opened_at].map(time => Date.parse(time ?? ''))
  expect(first).toBeGreaterThanOrEqual(FROM_MS + CUT_DAY * DAY_MS)
  expect(opened).toBeLessThanOrEqual(FROM_MS + (CUT_DAY + 80) * DAY_MS)
})

it('incidents do not depend on the order in which looks arrived, or on images that two imports or records contain', async () => {
  const whole = (await (await open()).put('a', ONE_CUT)).incidents
  const { put } = await open()
  const half = ONE_CUT.length >> 1
  await put('late', ONE_CUT.slice(half))
  await put('early', ONE_CUT.slice(0, half + 20).toReversed())
  expect((await put('again', ONE_CUT.slice(40, 90))).incidents).toEqual(whole)
})

it('a clear-cut of many sites is one incident of their class, which lists each site as a part', async () => {
  const { put } = await open()
  const { incidents } = await put('a', looksOf(new Map(Array.from({ length: 7 }, (_, site) => [site, CUT_DAY]))))
  const ofClass = incidents.filter(({ kind }) => kind === 'many-sites')
  expect(ofClass).toMatchObject([{ site_id: null, sites: 7, state: 'confirmed', severity: 'warning', closed_at: null }])
  const parts = incidents.filter(({ kind }) => kind === 'site-change')
  expect(parts).toHaveLength(7)
  for (const { part_of } of parts) expect(part_of).toBe(ofClass[0]?.id)
  const newestFirst = incidents.toSorted((a, b) => compareText(b.opened_at, a.opened_at) || compareText(a.id, b.id))
  expect(incidents).toEqual(newestFirst)
  expect(incidents[0]?.opened_at).not.toBe(incidents.at(-1)?.opened_at)
})

it('a view with the same looks takes over its incidents, and one with fewer loses them', async () => {
  const { pipeline, put } = await open()
  const { objects } = pipeline
  const first = await put('a', ONE_CUT)
  const keys = () => Array.fromAsync(objects.list(INCIDENTS_PREFIX))
  const second = await put('without a site', [imageEvent({ imageId: 'none' })])
  expect(second).toEqual({ ...first, revision: 2 })
  expect(await keys()).toHaveLength(2)
  const remove = await withdrawImport(objects, HOUR_MS, laneOfImport('a', false))
  await pipeline.runBatch()
  await remove()
  expect(await readIncidents(objects)).toMatchObject({ revision: 3, looks: 0, incidents: [] })
  expect(await keys()).toHaveLength(2)
})

it('a run that ended between its view and the incidents leaves them to the next', async () => {
  const { pipeline, put } = await open()
  const { objects } = pipeline
  const first = await put('a', ONE_CUT)
  for (const key of await Array.fromAsync(objects.list(INCIDENTS_PREFIX))) await objects.delete(key)
  expect(await pipeline.runBatch()).toMatchObject({ published: false })
  expect(await readIncidents(objects)).toEqual(first)
})

it('a damaged file of looks leaves the incidents of the view before', async () => {
  const { pipeline, put } = await open()
  const { objects } = pipeline
  const first = await put('a', ONE_CUT)
  const view = await pipeline.serving.views.current()
  const [part] = Object.values(view?.sites ?? {})
  await objects.put(part?.key as string, Buffer.from('not Parquet'))
  for (const key of await Array.fromAsync(objects.list(INCIDENTS_PREFIX))) await objects.delete(key)
  const before = { ...first, revision: 0, looksDigest: 'of other looks' }
  await objects.put(incidentsKey(0), encodeIncidents(before))
  await pipeline.runBatch()
  expect(await readIncidents(objects)).toEqual(before)
})

it('a store that refuses the incidents is an error, and the older ones stay', async () => {
  const objects = openFolderObjectStore(temporaryFolder())
  await publishView(objects, emptyView({ sites: {} }))
  await objects.put('incidents/a', Buffer.from('{}'))
  await objects.put('incidents/b', Buffer.from('{}'))
  const full = { ...objects, putIfAbsent: () => Promise.reject(new Error('the disk is full')) }
  await expect(publishIncidents(full, viewReader(objects))).rejects.toThrow('the disk is full')
  expect(await Array.fromAsync(objects.list(INCIDENTS_PREFIX))).toEqual(['incidents/a', 'incidents/b'])
})

it('a damaged file of incidents is skipped, does not stop a run, and is replaced with the next view', async () => {
  const { pipeline, put } = await open()
  const { objects } = pipeline
  await put('a', ONE_CUT)
  const second = await put('without a site', [imageEvent({ imageId: 'none' })])
  await objects.put(incidentsKey(2), Buffer.from('{"format":1,"inc'))
  expect(await readIncidents(objects)).toEqual({ ...second, revision: 1 })
  await pipeline.runBatch()
  expect(await put('one more', [imageEvent({ imageId: 'more' })])).toEqual({ ...second, revision: 3 })
  await objects.put(incidentsKey(2), Buffer.from(''))
  await objects.put(incidentsKey(3), Buffer.from(''))
  expect(await readIncidents(objects)).toBeUndefined()
  expect(await put('the last', [imageEvent({ imageId: 'last' })])).toEqual({ ...second, revision: 4 })
})

it('the reader of incidents reads a file once, however often it is asked, and sees the next one', async () => {
  const { pipeline, put } = await open()
  let reads = 0
  const counted = {
    ...pipeline.objects,
    get: (key: string) => {
      reads++
      return pipeline.objects.get(key)
    },
  }
  const read = incidentsReader(counted)
  expect(await read()).toBeUndefined()
  for (const name of ['a', 'b']) {
    const written = await put(name, [imageEvent({ imageId: name, siteId: 's' })])
    reads = 0
    for (let asked = 0; asked < 3; asked++) expect(await read()).toEqual(written)
    expect(reads).toBe(1)
  }
})

it('a file of incidents states its format, and one of another format is not read', async () => {
  const objects = openFolderObjectStore(temporaryFolder())
  const none = { looksDigest: '', looks: 0, sites: 0, judgedSites: 0, skipped: null, incidents: [] }
  const bytes = encodeIncidents({ revision: 1, ...none })
  expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({ format: 1, revision: 1, ...none })
  await objects.put(incidentsKey(1), bytes)
  expect((await readIncidents(objects))?.revision).toBe(1)
  await objects.put(incidentsKey(2), Buffer.from(JSON.stringify({ format: 2, revision: 2, ...none })))
  expect(await readIncidents(objects)).toBeUndefined()
})

/** The incidents of looks of which some were imported and others arrived as records of the log. */
async function incidentsOf(imported: typeof ONE_CUT, arrived: typeof ONE_CUT) {
  const { pipeline, append, heartbeat, speed, archive, clock } = await openOneLane({ slotMs: HOUR_MS })
  await importEvents(pipeline.objects, HOUR_MS, 'a', [imported], NOON_MS)
  const lines = arrived.map(({ className, imageId, siteId, eventMs, ndviMean, red, blue }) =>
    JSON.stringify({
      ...wireEvent({ class_name: className, image_id: imageId, site_id: siteId }),
      ...{ timestamp: new Date(eventMs).toISOString(), ndvi_mean: ndviMean / 1e6, lon: 13, lat: 52 },
      ...{ red_mean: (red ?? 0) / 1_000, blue_mean: (blue ?? 0) / 1_000 },
    }),
  )
  const records = [append(lines.join('\n')), heartbeat()]
  for (const deliver of [speed, archive]) expect((await deliver(records)).batchItemFailures).toEqual([])
  clock.nowMs += 2 * HOUR_MS
  const after = [heartbeat()]
  for (const deliver of [speed, archive]) await deliver(after)
  await pipeline.runBatch()
  return (await readIncidents(pipeline.objects))?.incidents
}

it('an incident that was opened by an image of the log is not marked as imported; all others are', async () => {
  const [first] = (await (await open()).put('a', ONE_CUT)).incidents
  expect(first?.from_import).toBe(true)
  const isLive = ({ eventMs }: { eventMs: number }) => eventMs >= Date.parse(first?.opened_at ?? '')
  const [imported, arrived] = [ONE_CUT.filter(look => !isLive(look)), ONE_CUT.filter(isLive)]
  expect(await incidentsOf(imported, arrived)).toEqual([{ ...first, from_import: false }])
})

it('an image of the log at the time of an incident opens it only at its site and in its class', async () => {
  const [first] = (await (await open()).put('a', ONE_CUT)).incidents
  const atThatTime = { eventMs: Date.parse(first?.opened_at ?? ''), imageId: 'other' }
  const opened = ONE_CUT.find(({ siteId, eventMs }) => siteId === first?.site_id && eventMs === atThatTime.eventMs)
  if (!opened) throw new Error('no look opened the incident')
  const others = [
    { ...opened, ...atThatTime, siteId: 'site_3' },
    { ...opened, ...atThatTime, className: 'River' },
  ]
  expect(await incidentsOf(ONE_CUT, others)).toMatchObject([{ site_id: first?.site_id, from_import: true }])
})

it('incidents in a file that does not state their origin count as imported', async () => {
  const { pipeline, put } = await open()
  const { revision, incidents } = await put('a', ONE_CUT)
  const key = incidentsKey(revision)
  const text = Buffer.from((await pipeline.objects.get(key)) ?? []).toString('utf8')
  await pipeline.objects.put(key, Buffer.from(text.replaceAll(/,"from_import":(true|false)/g, '')))
  expect((await readIncidents(pipeline.objects))?.incidents).toEqual(incidents)
})
