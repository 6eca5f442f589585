import * as z from 'zod'

/** Reference to a secret of AWS Secrets Manager: its ARN, and the field if it is JSON. */
export const SECRET_ARN = /^(arn:[\w-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+)(?:#(.+))?$/

/** Server of a mail that Amazon SES sends, with its region. */
export const SES_SERVER = /^ses:\/\/([a-z0-9-]+)$/

const SECRET_FORM = 'a secret is not written here: write env:NAME or file:PATH; on AWS, the ARN of a secret'
const isReference = (text: string) => /^(env|file):./.test(text) || SECRET_ARN.test(text)
const secret = z.string().refine(isReference, SECRET_FORM)
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a name has 1 to 40 small letters, digits and hyphens')
const names = z.array(z.string().min(1)).min(1, 'leave it out to fit all')

const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue'

const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/
const REGION_FORM = 'write a region such as eu-central-1'
/** @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html */
const bus = z
  .string()
  .regex(
    /^(arn:[\w-]+:events:[a-z]{2}-[a-z-]+-\d+:\d{12}:event-bus\/)?[\w./-]{1,256}$/,
    'write the name or the ARN of a bus',
  )

const TOPIC_ARN = /^arn:[\w-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/
const TOPIC_FORM = 'write the ARN of a topic that is not FIFO'
/** Hour of the day (UTC) of what comes once a day. */
const hour = z.int().min(0).max(23).default(6)

const ReceiverConfig = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('slack'), url: secret }),
    z.strictObject({ type: z.literal('pagerduty'), routing_key: secret, url: z.string().default(PAGERDUTY_URL) }),
    z.strictObject({ type: z.literal('webhook'), url: z.string().min(1), secret }),
    z.strictObject({
      type: z.literal('email'),
      server: z.string(),
      username: secret.optional(),
      password: secret.optional(),
      from: z.email('is not a mail address'),
      to: z.array(z.email('is not a mail address')).min(1, 'name at least one address'),
      hour,
    }),
    z.strictObject({ type: z.literal('sns'), topic: z.string().regex(TOPIC_ARN, TOPIC_FORM), hour }),
    z.strictObject({ type: z.literal('eventbridge'), bus, region: z.string().regex(REGION, REGION_FORM).optional() }),
  ],
  'must be slack, pagerduty, webhook, email, sns or eventbridge',
)

const RouteConfig = z.strictObject({
  receivers: z.array(z.string()).min(1, 'name at least one receiver'),
  classes: names.optional(),
  sites: names.optional(),
  kinds: z
    .array(z.enum(['site-change', 'many-sites', 'no-clear-look']))
    .min(1, 'leave it out to fit all')
    .optional(),
  severity: z.enum(['info', 'warning', 'error']).optional(),
})

const AlertsConfig = z.strictObject({
  receivers: z.record(name, ReceiverConfig).refine(all => Object.keys(all).length > 0, 'name at least one receiver'),
  routes: z.array(RouteConfig).default([]),
  page: z
    .url({ protocol: /^https?$/, error: 'write the address of the dashboard, such as https://example.org' })
    .optional(),
})

/** Content of alerts.json as people write it. */
export type AlertsFile = z.input<typeof AlertsConfig>
/** Content of alerts.json with its defaults. */
export type CheckedAlerts = z.infer<typeof AlertsConfig>
export type ReceiverConfig = CheckedAlerts['receivers'][string]

/**
 * Checks the text of alerts.json, without the secrets that it names.
 *
 * @throws Error with the file, the field, and what to write
 */
export function checkAlertsFile(file: string, text: string): CheckedAlerts {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`)
  }
  const { data, error } = AlertsConfig.safeParse(value)
  if (!data) {
    const [issue] = error.issues
    throw new Error(`${file}: ${issue?.path.join('.') || 'it'}: ${issue && explained(issue)}`)
  }
  const receivers = Object.keys(data.receivers)
  for (const [index, route] of data.routes.entries()) {
    const unknown = route.receivers.find(each => !receivers.includes(each))
    if (unknown === undefined) continue
    throw new Error(
      `${file}: routes.${index}.receivers: there is no receiver '${unknown}'; there are ${receivers.join(', ')}`,
    )
  }
  return data
}

function explained(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown field ${issue.keys.join(', ')}`
  const inner = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined
  return inner ?? issue.message
}

/** Secrets that a file refers to: the place of each, such as `receivers.team.url`, and the reference. */
export function secretReferences({ receivers }: CheckedAlerts): { place: string; reference: string }[] {
  return Object.entries(receivers).flatMap(([name, receiver]) =>
    Object.entries(receiver).flatMap(([field, value]) =>
      typeof value === 'string' && isReference(value)
        ? [{ place: `receivers.${name}.${field}`, reference: value }]
        : [],
    ),
  )
}
