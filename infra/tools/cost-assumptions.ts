/** Assumptions of the cost model. Bytes were measured with data/generator.ts; times were not measured. */
export const ASSUMED = {
  /** Memory as deployed, MB; time of a call, s; extra time for each event in it, s. */
  functions: {
    speed: { memoryMb: 1024, seconds: 0.05, perEvent: 0.00001 },
    archive: { memoryMb: 1769, seconds: 0.2, perEvent: 0.00003 },
    heartbeat: { memoryMb: 256, seconds: 0.1, perEvent: 0 },
    batch: { memoryMb: 1769, seconds: 30, perEvent: 0 },
    compaction: { memoryMb: 3008, seconds: 2, perEvent: 0.00005 },
    serving: { memoryMb: 1024, seconds: 0.06, perEvent: 0 },
    notify: { memoryMb: 512, seconds: 0.3, perEvent: 0 },
  },
  /** Extra time of a batch run for each GB that its statements scan, s. */
  secondsPerGb: 10,
  /** Bytes of a record. The producer compresses it if that makes it smaller. */
  recordBytes: { header: 330, perEvent: 61 },
  /** Bytes of an archive file. */
  fileBytes: { header: 4_500, perEvent: 104 },
  /** Size of a record in a delivery, relative to its size in the log: base64 and the envelope. */
  deliveryInflation: 1.4,
  /** Bytes of rows with keys and overhead: totals of ten classes, a cursor with four producers, an unusual image. */
  totalsBytes: 2_900,
  cursorBytes: 700,
  imageBytes: 350,
  /** Rows that a delivery with events touches: one window, sometimes two. Mixed event times touch more. */
  rowsPerDelivery: 1.2,
  /** Share of images that the default rule flags: more than two standard deviations from the mean. */
  unusualShare: 0.045,
  /** Events a second whose files one worker of compaction merges. */
  compactedPerSecond: 12_000,
  /** Share of the images that the largest class has. */
  largestClass: 0.3,
  /** Shards of a new on-demand stream. Later it has capacity for twice what is written. */
  onDemandShards: 4,
  /**
   * Requests of a page in one round, time between rounds in s (web/view-models/questions.ts; requests that are rare are
   * not counted), and average bytes of an answer.
   */
  answersPerRound: 5,
  roundSeconds: 5,
  answerBytes: 2_000,
  /**
   * Reads for one round of answers. Rows of each lane: totals since the cut, of the newest windows, and of six hours.
   * Then read units for unusual images, and S3 requests for views.
   */
  joinedRows: 18,
  newestRows: 12,
  seriesRows: 48,
  imageReads: 140,
  /**
   * The most expensive answer takes the function this time, s, and has the most of these: rows of each lane, which are all
   * windows of seven days; unusual images, and reads of them (functions/serving/anomalies.ts); entries of the quarantine, those that
   * are read of each lane at once, and the bytes of each row (functions/adapters/cassandra/quarantine.ts).
   */
  worstAnswer: {
    seconds: 1,
    windows: 7 * 24 * 6,
    images: 5_000 + 10 * 100,
    imageReads: 200,
    quarantined: 101,
    quarantinedAtOnce: 10,
    quarantinedBytes: 4 * 1024 + 500,
  },
  listsPerRound: 3,
  getsPerRound: 1,
  /** Share of a file that is read to identify records, and requests that Athena makes for a file. */
  keyShare: 0.15,
  getsPerFile: 3,
  /** Bytes logged: Lambda's own lines for a call; our lines for a delivery; the access log of a request; a batch run. */
  lambdaLog: 450,
  speedLog: 850,
  archiveLog: 500,
  accessLog: 450,
  runLog: 10_000,
  /** Roles that use the encrypted stream. Each asks for a data key every five minutes. */
  keyUsers: 6,
  /** Numbers from infra/constructs, infra/stacks/edge-stack.ts and, for the allowlist, its alarms beside the others. */
  alarms: { kinesis: 35, msk: 34 },
  allowlistAlarms: 3,
  dashboards: 1,
  transitionsPerRun: 7,
  putsPerRun: 6,
  listsPerRun: 10,
  listsPerCompaction: 3,
  /** Of the incidents, the decisions, and twice of the ledger of a receiver. */
  listsPerTelling: 4,
  /** Metrics from our log lines that are always there: speed 11, archive 5, batch 1, compaction 1, notifier 1. Each event source mapping has 6 more. */
  metrics: 11 + 5 + 1 + 1 + 1 + 2 * 6,
} as const

/** Settings of infra/constructs/consumers.ts and infra/constructs/distribution.ts that the model repeats. A test compares them. */
export const DEPLOYED = {
  speedBatch: 1_000,
  archiveBatch: 10_000,
  archiveWindowSeconds: 300,
  sharedSeconds: 2,
  tellingSeconds: 300,
} as const
