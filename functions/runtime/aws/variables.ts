/**
 * Environment variables that the stack sets for a deployed function: nothing secret, and only what the function needs.
 */
export interface Variables {
  /** Name of the stage: dev, prod, … */
  LANDCOVER_STAGE: string
  /** Length of arrival slots, ms. */
  LANDCOVER_SLOT_MS: string
  /** Allowed lateness by arrival time, as JSON. */
  LANDCOVER_LATENESS: string
  /** `kinesis://STREAM` or, for functions that append, `kafka://HOST:PORT,…/TOPIC`. */
  LANDCOVER_LOG: string
  /** Login for Kafka: `iam` for Amazon MSK, or the ARN of a secret; not set when there is no login. */
  LANDCOVER_LOG_LOGIN: string
  /**
   * Address of the speed store: `keyspaces://KEYSPACE`, or `cassandra://HOST:PORT/KEYSPACE` for a stage with its own
   * Cassandra.
   */
  LANDCOVER_STORE: string
  /** Name of the S3 bucket with archive, views and reference data. */
  LANDCOVER_BUCKET: string
  /** Athena's workgroup and Glue's database. */
  LANDCOVER_WORK_GROUP: string
  LANDCOVER_DATABASE: string
  /** Who is told of incidents: the text of an alerts.json, with the ARNs of its secrets. */
  LANDCOVER_ALERTS: string
  /** Names of the rules for unusual images, separated by commas. */
  LANDCOVER_RULES: string
  /** Where images may be read from, and how they are measured, as JSON: ImageSettings of runtime/config/images.ts. */
  LANDCOVER_IMAGES: string
}

/**
 * Returns the value of a variable.
 *
 * @throws Error when the stack has not set it
 */
export function variable(name: keyof Variables): string {
  const value = process.env[name]
  if (!value) throw new Error(`the environment variable ${name} is not set`)
  return value
}
