import { UnreadableError } from './unreadable.ts'

/** Fields in which senders put the event of an envelope, such as Kafka Connect, CloudEvents and Kafka's REST proxy. */
const CONTENT_FIELDS = ['payload', 'data', 'data_base64', 'value', 'records'] as const

/** How the messages of services look, and the field with what was sent: Amazon SNS, SQS and EventBridge, Google Pub/Sub. */
const MESSAGES: { isMessage(value: Record<string, unknown>): boolean; field: string }[] = [
  { isMessage: value => value.Type === 'Notification' && Object.hasOwn(value, 'TopicArn'), field: 'Message' },
  { isMessage: value => Object.hasOwn(value, 'receiptHandle'), field: 'body' },
  { isMessage: value => Object.hasOwn(value, 'detail-type'), field: 'detail' },
  { isMessage: value => Object.hasOwn(value, 'subscription') && isObject(value.message), field: 'message' },
]

/** Returns true for an object that is meant as an event, valid or not. It is never taken for an envelope. */
export function isEventLike(value: unknown): boolean {
  return isObject(value) && ('image_id' in value || 'ndvi_mean' in value || 'class_name' in value)
}

/** Returns true for the header of a record. */
export function isHeader(value: unknown): value is { landcover: unknown } {
  return isObject(value) && 'landcover' in value && !('image_id' in value)
}

/**
 * Finds the field of an envelope that holds its events. Returns null when the object is not an envelope.
 *
 * @throws UnreadableError when the object holds an event, but which one or whether it counts is not clear
 */
export function contentField(value: Record<string, unknown>): string | null {
  if (isEventLike(value) || isHeader(value)) return null
  if ('op' in value && 'after' in value) return debeziumField(value.op)
  const message = MESSAGES.find(({ isMessage, field }) => isMessage(value) && mayHoldEvents(value[field]))
  if (message) return message.field
  if (value.type === 'Feature' && isObject(value.properties)) return 'properties'
  if (value.type === 'FeatureCollection' && Array.isArray(value.features)) return 'features'
  const [field, another] = CONTENT_FIELDS.filter(name => Object.hasOwn(value, name) && mayHoldEvents(value[name]))
  if (another) throw refusal(`both ${field} and ${another} could hold the event`)
  if (field) return field
  if (Object.values(value).some(isEventLike)) {
    throw refusal('the event is in a field of another name than payload, data or value')
  }
  return null
}

/** Fields of a change of a row, as Debezium writes it: c and r are a new row, u and d a changed and a removed one. */
function debeziumField(op: unknown): string {
  if (op === 'c' || op === 'r') return 'after'
  throw refusal(
    'it is a Debezium change that is not an insert (op c or r), and an event that was counted stays as it is',
  )
}

function mayHoldEvents(content: unknown): boolean {
  return isObject(content) || Array.isArray(content) || typeof content === 'string'
}

/** Returns true for a JSON object, not for an array or null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refusal(detail: string): UnreadableError {
  return new UnreadableError('cannot-unwrap', `envelope: ${detail}`)
}
