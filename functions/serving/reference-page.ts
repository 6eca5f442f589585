import * as z from 'zod'
import { NUMBERS } from '../core/event-fields.ts'
import { DECISION_POSTS, DECISION_PROBLEMS } from '../decisions/schemas.ts'
import { AS_OF_HEADERS } from '../http/as-of.ts'
import { RANGE_DESCRIPTION, RANGE_HEADER } from '../http/range.ts'
import { BODY_TYPES, KEY_DESCRIPTION, SENDING_PATH, SENDING_PROBLEMS, SENDING_SUMMARY } from '../http/sending.ts'
import { ENDPOINTS } from './endpoints.ts'
import { EVENT_SCHEMA, EVENT_SCHEMA_PATH } from './event-schema.ts'
import { describedParameters } from './schemas.ts'

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
code, h2 { font-family: ui-monospace, monospace }
h2 { font-size: 1.1rem; margin-top: 2.5rem }
.table { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid color-mix(in srgb, currentcolor 20%, transparent) }
`

/** Builds the API reference for people: a page that loads nothing else. */
export function referencePage(): string {
  const sections = ENDPOINTS.map(({ path, summary, query, schema, isTable, tellsAsOf, tellsRange }) => {
    const parameters = describedParameters(query).map(({ name, isRequired, description, schema }) => [
      `${name}${isRequired ? ' (required)' : ''}`,
      typesOf(schema).join(' or '),
      description,
    ])
    const fields = fieldsOf(z.toJSONSchema(schema))
    const headers = [
      ...(tellsAsOf ? Object.entries(AS_OF_HEADERS) : []),
      ...(tellsRange ? [[RANGE_HEADER, RANGE_DESCRIPTION]] : []),
    ]
    return `<h2 id="${escaped(path)}">GET ${escaped(path)}</h2>
<p>${escaped(summary)}.</p>
${parameters.length > 0 ? `<h3>Parameters</h3>${tableOf(['Name', 'Type', ''], parameters)}` : ''}
<h3>${isTable ? 'Columns' : 'Fields'}</h3>${tableOf(['Name', 'Type', ''], fields)}
${headers.length > 0 ? `<h3>Headers</h3>${tableOf(['Name', ''], headers)}` : ''}`
  })
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>landcover: the API</title><style>${STYLE}</style></head>
<body>
<main>
<h1>The API</h1>
<p>Tables are arrays of objects, or CSV with <code>format=csv</code> or <code>Accept: text/csv</code>; <code>format=csv-bom</code> is for spreadsheets. A class that is not known is a 404 that lists near names. NDVI is -1 to 1, times are ISO 8601 in UTC, null is “not measured”. Errors are problem bodies (RFC 9457). For programs: <a href="openapi.json">openapi.json</a>.</p>
${sections.join('\n')}
${sendingSection()}
${DECISION_POSTS.map(decidingSection).join('\n')}
</main>
</body>
</html>
`
}

function sendingSection(): string {
  const required = EVENT_SCHEMA.required as readonly string[]
  const ranges: Record<string, { lowest: number; highest: number }> = NUMBERS
  const fields = fieldsOf(EVENT_SCHEMA).map(([name = '', type = '', description = '']) => {
    const range = ranges[name]
    return [
      `${name}${required.includes(name) ? ' (required)' : ''}`,
      type,
      range ? `${description}; ${range.lowest} to ${range.highest}` : description,
    ]
  })
  const [example] = EVENT_SCHEMA.examples as unknown[]
  return `<h2 id="${SENDING_PATH}">POST ${SENDING_PATH}</h2>
<p>${escaped(SENDING_SUMMARY)}. The body is ${BODY_TYPES.join(' or ')}. On AWS the request needs a signature (SigV4).</p>
<h3>Headers</h3>${tableOf(['Name', ''], [['Idempotency-Key', KEY_DESCRIPTION]])}
<h3>Fields of an event</h3>${tableOf(['Name', 'Type', ''], fields)}
<p>The same as JSON Schema: <a href="${EVENT_SCHEMA_PATH.replace('/api/', '')}">event.json</a>. An event:</p>
<pre class="table" tabindex="0">${escaped(JSON.stringify(example, null, 2))}</pre>
<h3>Responses</h3>${tableOf(['Status', ''], [['202', 'The log has the events'], ...Object.entries(SENDING_PROBLEMS)])}`
}

function decidingSection({ path, summary, body }: (typeof DECISION_POSTS)[number]): string {
  const { anyOf, oneOf = anyOf, ...whole } = z.toJSONSchema(body) as Record<string, unknown>
  const kinds = (Array.isArray(oneOf) ? oneOf : [whole]) as Record<string, unknown>[]
  return `<h2 id="post-${escaped(path)}">POST ${escaped(path)}</h2>
<p>${escaped(summary)}. The body is application/json. On one machine only.</p>
<h3>Fields</h3>${kinds.map(kind => tableOf(['Name', 'Type', ''], fieldsOf(kind))).join('\n')}
<h3>Responses</h3>${tableOf(['Status', ''], [['201', 'The decision is stored'], ...Object.entries(DECISION_PROBLEMS)])}`
}

function fieldsOf({ properties = {} }: Record<string, unknown>): string[][] {
  return Object.entries(properties as Record<string, Record<string, unknown>>).map(([name, of]) => [
    name,
    typesOf(of).join(' or '),
    typeof of.description === 'string' ? of.description : '',
  ])
}

function typesOf({ type, anyOf, enum: values, const: only }: Record<string, unknown>): string[] {
  if (only !== undefined) return [JSON.stringify(only)]
  if (Array.isArray(values)) return values.map(String)
  if (Array.isArray(anyOf)) return anyOf.flatMap(each => typesOf(each as Record<string, unknown>))
  return [type].flat().map(String)
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) => row.map(text => `<${tag}>${escaped(text)}</${tag}>`).join('')
  const body = rows.map(row => `<tr>${cells('td', row)}</tr>`).join('')
  return `<div class="table" tabindex="0"><table><thead><tr>${cells('th', head)}</tr></thead><tbody>${body}</tbody></table></div>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
