import { expect, it } from 'vitest'
import { EVENT_SCHEMA_DOCUMENT } from '../../functions/serving/event-schema.ts'
import { openApi } from '../../functions/serving/openapi.ts'
import { referencePage } from '../../functions/serving/reference-page.ts'

// Clients are generated from these documents, and people read them. Where a change is meant,
// `npx vitest run test/serving/documents.test.ts -u` notes the new ones, and the review reads the difference.

interface Operation {
  operationId: string
  parameters: unknown[]
  responses: Record<string, { description: string; content?: unknown; headers?: unknown }>
}
const document = openApi() as { paths: Record<string, Record<string, Operation>> }
const paths = Object.entries(document.paths)
const problemsOf = ({ responses: { 200: _, ...problems } }: Operation) => problems

it('a HEAD has what the GET has, without bodies', () => {
  const reads = paths.filter(([, { post }]) => !post)
  expect(reads.length).toBeGreaterThan(10)
  for (const [, { get, head }] of reads as [string, { get: Operation; head: Operation }][]) {
    const withoutBodies = Object.entries(get.responses).map(([status, { content: _, ...response }]) => [
      status,
      response,
    ])
    expect(head).toEqual({
      ...get,
      operationId: get.operationId.replace('get', 'head'),
      responses: Object.fromEntries(withoutBodies),
    })
  }
})

it('the OpenAPI document is what it was before', () => {
  const [[, { get: first }]] = paths as [[string, { get: Operation }]]
  const operations = paths.map(([path, { get, post }]) => {
    if (!get) return [path, post]
    // All endpoints have the same problems: they are noted once.
    expect(problemsOf(get)).toEqual(problemsOf(first))
    return [path, get === first ? get : { ...get, responses: get.responses[200] }]
  })
  expect(JSON.stringify({ ...document, paths: Object.fromEntries(operations) }, null, 1)).toMatchSnapshot()
})

it('the schema of events is what it was before', () => {
  expect(JSON.stringify(EVENT_SCHEMA_DOCUMENT, null, 1)).toMatchSnapshot()
})

it('the page for people is what it was before', () => {
  expect(referencePage()).toMatchSnapshot()
})
