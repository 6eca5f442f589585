/** What the stack tells a deployed function by its environment: nothing secret, and no more than the function needs. */
export interface Variables {
  /** Of the stage: dev, prod, … */
  LANDCOVER_STAGE: string
  /** Length of arrival slots, ms. */
  LANDCOVER_SLOT_MS: string
  /** `kinesis://STREAM` or, for functions that append, `kafka://HOST:PORT,…/TOPIC`. */
  LANDCOVER_LOG: string
  /** How to sign in to Kafka: `iam` as Amazon MSK does, or the ARN of a secret; not set where nobody has to. */
  LANDCOVER_LOG_LOGIN: string
  /** `keyspaces://KEYSPACE`, or `cassandra://HOST:PORT/KEYSPACE` where the stage has a Cassandra of its own. */
  LANDCOVER_STORE: string
  /** Name of the S3 bucket that holds archive, views and reference data. */
  LANDCOVER_BUCKET: string
  /** Athena's workgroup and Glue's database. */
  LANDCOVER_WORK_GROUP: string
  LANDCOVER_DATABASE: string
  /** Name of the EventBridge bus that is told of anomalies. */
  LANDCOVER_BUS: string
  /** Names of the anomaly rules, separated by commas. */
  LANDCOVER_RULES: string
}

/** @throws Error when the stack has not set it */
export function variable(name: keyof Variables): string {
  const value = process.env[name]
  if (!value) throw new Error(`the environment variable ${name} is not set`)
  return value
}
