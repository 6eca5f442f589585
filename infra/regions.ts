/**
 * Regions in which a stage can be deployed: those with Amazon Keyspaces, of the standard partition. cfn-lint checks in
 * `.ci/run` that the other resources exist in each of them.
 *
 * @see https://docs.aws.amazon.com/keyspaces/latest/devguide/programmatic.endpoints.html
 */
export const REGIONS = [
  'af-south-1',
  'ap-east-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ca-central-1',
  'eu-central-1',
  'eu-north-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'me-south-1',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
] as const

/** The only region that has CloudFront's metrics and access logs, and budgets for every account. */
export const EDGE_REGION = 'us-east-1'

/** Account in templates that are made without credentials. Nobody can deploy to it. */
export const NO_ACCOUNT = '000000000000'

/** @throws Error with the list of regions if a stage cannot be deployed in a region */
export function checkRegion(region: string): void {
  if (REGIONS.some(known => known === region)) return
  throw new Error(
    `a stage cannot be deployed in ${region}: choose one of ${REGIONS.join(', ')}. If Amazon Keyspaces came to ${region}, add it to infra/regions.ts`,
  )
}
