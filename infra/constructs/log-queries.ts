import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import type { Stage } from '../stages.ts'
import { functionsOf } from './bundles.ts'

/** Saved query of CloudWatch Logs Insights. Fields of our lines are those of Powertools, those with @ are Lambda's. */
export interface LogQuery {
  name: string
  /** Log groups: those of all functions, or the access log of the API. */
  of: 'functions' | 'api'
  text: string
}

/** Queries that answer what people ask first when something is wrong. docs/runbook.md shows where they are. */
export const LOG_QUERIES: readonly LogQuery[] = [
  {
    name: 'what is wrong',
    of: 'functions',
    text: `filter level = "WARN" or @message like /Task timed out|Runtime exited|ERROR/
| stats count(*) as lines, latest(error) as last_error, max(@timestamp) as last by function_name, message
| sort lines desc`,
  },
  {
    name: 'deliveries that were given back',
    of: 'functions',
    text: `filter message like /given back/
| stats count(*) as deliveries, sum(records) as records, latest(error) as last_error by message, lane
| sort deliveries desc`,
  },
  {
    name: 'how long calls take, and how much memory',
    of: 'functions',
    text: `filter @type = "REPORT"
| stats count(*) as calls, pct(@duration, 50) as median_ms, pct(@duration, 99) as p99_ms, max(@duration) as longest_ms, max(@maxMemoryUsed / 1e6) as most_mb by @log
| sort p99_ms desc`,
  },
  {
    name: 'cold starts',
    of: 'functions',
    text: `filter @type = "REPORT" and ispresent(@initDuration)
| stats count(*) as starts, avg(@initDuration) as average_ms, max(@initDuration) as longest_ms by @log, bin(1h)
| sort starts desc`,
  },
  {
    name: 'who asks the API, and what it answers',
    of: 'api',
    text: `stats count(*) as requests by status, httpMethod, resourcePath, ip
| sort requests desc`,
  },
]

/** Saves the queries for the logs of a stage. */
export function addLogQueries(scope: Construct, stage: Stage): void {
  const { name } = stage
  const groups = {
    functions: functionsOf(stage).map(each => `/aws/lambda/landcover-${name}-${each}`),
    api: [`/landcover/${name}/api`],
  }
  for (const [index, query] of LOG_QUERIES.entries()) {
    new CfnQueryDefinition(scope, `LogQuery${index}`, {
      name: `landcover/${name}/${query.name}`,
      logGroupNames: groups[query.of],
      queryString: query.text,
    })
  }
}
