import { ImageError } from '../errors.ts'

/** Item that a message announces: its address, and its text if the message has that. */
export interface Arrival {
  /** `s3://…` or `https://…`. Relative addresses of its assets begin here. */
  address: string
  text?: string
}

/** Maximum nesting of envelopes. */
const MAX_ENVELOPES = 3

/**
 * Finds the items that a message of a queue announces: a notification of a bucket about new objects, or a message of a
 * topic with a STAC item or its address, each with the envelope of a topic (SNS) or without.
 *
 * @returns nothing for a test message, and for objects that are not items: the images beside an item
 * @throws ImageError for any other message
 */
export function arrivalsOf(body: string): Arrival[] {
  let value = parsed(body)
  for (let depth = 0; depth < MAX_ENVELOPES && isEnvelope(value); depth++) value = parsed(value.Message)
  const { Event, Records, type } = Object(value) as { Event?: unknown; Records?: unknown; type?: unknown }
  if (Event === 's3:TestEvent') return []
  if (Array.isArray(Records)) return Records.flatMap(arrivalOfObject)
  if (type === 'Feature') return [arrivalOfItem(value as Record<string, unknown>)]
  throw new ImageError(
    'the message announces no scene; send notifications of a bucket, or of a topic whose messages are STAC items',
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ImageError('the message is not JSON; send notifications of a bucket or of a topic')
  }
}

function isEnvelope(value: unknown): value is { Message: string } {
  return typeof (value as { Message?: unknown } | null)?.Message === 'string'
}

function arrivalOfObject(record: unknown): Arrival[] {
  const { s3, eventName } = Object(record) as {
    s3?: { bucket?: { name?: unknown }; object?: { key?: unknown } }
    eventName?: unknown
  }
  const [bucket, key] = [s3?.bucket?.name, s3?.object?.key]
  if (typeof bucket !== 'string' || typeof key !== 'string') {
    throw new ImageError('the message has a record without a bucket and a key; send notifications of a bucket')
  }
  const isNew = typeof eventName !== 'string' || /ObjectCreated/.test(eventName)
  // Keys in notifications are encoded like forms: a blank is a plus sign.
  return isNew && /\.json$/i.test(key) ? [{ address: `s3://${bucket}/${key.replaceAll('+', '%20')}` }] : []
}

function arrivalOfItem(item: Record<string, unknown>): Arrival {
  const links = (Array.isArray(item.links) ? item.links : []).map(link => Object(link) as Record<string, unknown>)
  const hrefOf = (rel: string) => links.find(link => link.rel === rel && typeof link.href === 'string')?.href
  const address = hrefOf('self') ?? hrefOf('canonical')
  if (typeof address !== 'string' || !URL.canParse(address)) {
    throw new ImageError(
      `the item ${item.id} has no link 'self' with its address; send items as their provider has them`,
    )
  }
  return { address, text: JSON.stringify(item) }
}
