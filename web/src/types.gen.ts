// Generated from the OpenAPI document by `make web-types`. Do not edit.
/* eslint-disable */

export interface Acknowledgement {
  /** Since when, Unix milliseconds. */
  at: number;
  /** Who. */
  by: OperationBy;
}

export interface Alert {
  /** Failures in a row so far. */
  count: number;
  /** What went wrong at the latest failure. */
  error: string | null;
  /** The latest execution that failed, or is lost. */
  executionId: string;
  /** When the first failure ended, Unix milliseconds. */
  firstAt: number;
  /** The HTTP status of the latest failure; null: no response. */
  httpStatus: number | null;
  /** The job. */
  jobId: string;
  /** FAILURES: executions of the job failed. LOST: an audit found fires of the job that have no record; the instants are when it found them, and it stays open until the history of their day is dropped. */
  kind: "FAILURES" | "LOST";
  /** When the latest failure ended, Unix milliseconds. */
  lastAt: number;
  /** Whether the job has not recovered. */
  open: boolean;
  /** When the success that closed it ended, Unix milliseconds; null: it is open. */
  recoveredAt: number | null;
}

export interface AlertCounts {
  /** FAILED and UNKNOWN executions of the last hour, to the minute. */
  recentFailures: number;
}

export interface AlertGroup {
  /** Who looks after it. */
  acknowledged?: Acknowledgement;
  /** Jobs that have failed since it began. */
  allJobs: number;
  /** Their failed executions. */
  failures: number;
  /** The first failure, Unix milliseconds. */
  firstAt: number;
  /** What its alerts have in common. */
  groupBy: "HOST" | "NAMESPACE" | "JOB";
  /** The group's id, as in messages. */
  id: string;
  /** Jobs that fail now. */
  jobs: number;
  /** The host, namespace or job; with SERVER and UNDELIVERABLE the check, node or channel. */
  key: string;
  /** The latest failure, Unix milliseconds. */
  lastAt: number;
  /** How bad it is. */
  level: "INFO" | "WARNING" | "CRITICAL";
  /** When the last alert of it ended, Unix milliseconds; null: one is open. */
  recoveredAt: number | null;
  /** The rule by which people are told. */
  rule: string;
  /** The jobs that failed first, five at most. With SERVER and UNDELIVERABLE one that is no job: its name says what it is about. */
  samples: AlertSample[];
  /** By what people are not told of it now. */
  silenced?: Quiet;
  /** WAITING: nobody was told yet. OPEN: the channels know of it. ACKNOWLEDGED: somebody looks after it. FLAPPING: it recovers and fails in turn. RECOVERED: no alert of it is open. CLOSED: it does not change any more. */
  state: "WAITING" | "OPEN" | "ACKNOWLEDGED" | "FLAPPING" | "RECOVERED" | "CLOSED";
  /** When people were told last, Unix milliseconds; null: not yet. */
  toldAt: number | null;
  /** The condition that holds for its jobs: see the rules. */
  when: "FAILURES" | "FAILED_OF_LAST" | "SUCCESS_RATE" | "DURATION" | "DRIFT" | "MISSED" | "SKIPPED" | "LOST" | "NOT_RUN" | "SERVER" | "UNDELIVERABLE";
}

export interface AlertGroups {
  /** The page, newest first. */
  groups: AlertGroup[];
  /** The cursor of the next page; absent on the last one. */
  nextCursor?: string;
}

export interface AlertRule {
  /** Whether it is there without being made. */
  builtIn: boolean;
  /** Ids of channels; empty: those that are a default. */
  channels: string[];
  /** Unix milliseconds; null: it was not made. */
  createdAt: number | null;
  /** Nobody is told by it. */
  disabled: boolean;
  /** Why this server cannot read what is stored: nobody is told by it, and the other fields are not those of the rule. Absent: it can. */
  error?: string;
  /** Alerts of which people are told together. */
  groupBy: "HOST" | "NAMESPACE" | "JOB";
  /** The rule's id. */
  id: string;
  /** How bad it is. */
  level: "INFO" | "WARNING" | "CRITICAL";
  /** Which jobs it is about. */
  match: Matcher;
  /** What people call it. */
  name?: string;
  /** The only namespace that it is about; absent: all. */
  namespace?: string;
  /** Whether people are told that it is over. */
  recovery: boolean;
  /** From a message to one that says that it is still so, milliseconds; 0: never. */
  repeatMs: number;
  /** From a message to the next one that says that it is worse, milliseconds. */
  updateMs: number;
  /** Unix milliseconds; null: it was not made. */
  updatedAt: number | null;
  /** From the first alert to the first message, milliseconds. */
  waitMs: number;
  /** When people are told. */
  when: Condition;
}

export interface AlertRuleRequest {
  /** Ids of channels; absent or empty: those that are a default. */
  channels?: string[];
  /** Nobody is told by it. */
  disabled?: boolean;
  /** Alerts of which people are told together; absent: HOST. */
  groupBy?: "HOST" | "NAMESPACE" | "JOB";
  /** How bad it is; absent: CRITICAL. */
  level?: "INFO" | "WARNING" | "CRITICAL";
  /** Which jobs it is about; absent: all. */
  match?: Matcher;
  /** What people call it. */
  name?: string;
  /** Whether people are told that it is over; absent: true. */
  recovery?: boolean;
  /** From a message to one that says that it is still so, milliseconds; 0: never; absent: 14,400,000. */
  repeatMs?: number;
  /** From a message to the next one that says that it is worse, milliseconds; absent: 300,000. */
  updateMs?: number;
  /** From the first alert to the first message, milliseconds; absent: 10,000. */
  waitMs?: number;
  /** When people are told; absent: at the first failure. */
  when?: Condition;
}

export interface AlertRules {
  /** The rules, by their ids. */
  rules: AlertRule[];
}

export interface AlertSample {
  /** Failures in a row. */
  count: number;
  /** What went wrong. */
  error: string | null;
  /** The latest execution that failed. */
  executionId: string;
  /** Its HTTP status; null: no response. */
  httpStatus: number | null;
  /** The job. */
  jobId: string;
  /** The latest failure, Unix milliseconds. */
  lastAt: number;
  /** Its name. */
  name?: string;
  /** Its namespace. */
  namespace?: string;
  /** The host that it calls. */
  target?: string;
}

export interface Alerts {
  /** The page, newest failure first. */
  alerts: Alert[];
  /** The cursor of the next page; absent on the last one. */
  nextCursor?: string;
}

export interface Attempt {
  /** Unix milliseconds; null: not yet. */
  completedAt: number | null;
  /** What went wrong; null: nothing. */
  error: string | null;
  /** null: no response. */
  httpStatus: number | null;
  /** Counted from 1. */
  number: number;
  /** Unix milliseconds. */
  startedAt: number;
}

export interface Audit {
  /** Fires that the timeline names. */
  expected: number;
  /** FAILED. */
  failed: number;
  /** The first instant that was judged, Unix milliseconds. */
  from: number;
  /** Of those that were sent: more than a second after their instant. */
  late: number;
  /** The fires without a record, at most 1,000 of them. */
  lost: LostFire[];
  /** Fires without a record. */
  lostCount: number;
  /** MISSED. */
  missed: number;
  /** Not ended; kept through a crash. */
  pending: number;
  /** SKIPPED. */
  skipped: number;
  /** SUCCESS. */
  succeeded: number;
  /** The last instant that was judged; before from: nothing was. */
  to: number;
  /** Records of scheduled fires that no version names. */
  unexpected: number;
  /** UNKNOWN. */
  unknown: number;
}

export interface BulkQuery {
  /** Only jobs whose last executions have failed, with an open alert (true), or only the others (false). */
  failing?: boolean;
  /** Only jobs that call this host: a name, name:port, or a URL with scheme and name. */
  host?: string;
  /** Only jobs that are active (true) or paused (false). */
  isActive?: boolean;
  /** Only the job with this key, exactly: one in each namespace at most. */
  key?: string;
  /** Only jobs with this name, exactly. */
  name?: string;
  /** Only jobs of this namespace. */
  namespace?: string;
  /** Only jobs with this tag, exactly. */
  tag?: string;
  /** Only jobs whose name, api or id holds this text, in letters of any case. */
  text?: string;
}

export interface BulkRequest {
  /** What is done with each job. */
  action: "PAUSE" | "RESUME" | "TRIGGER" | "DELETE" | "TAG";
  /** true: an empty query is meant, which selects every job. Not allowed with another one. */
  all?: boolean;
  /** With dryRun: nextCursor of the answer before, to count on. */
  cursor?: string;
  /** true: nothing is changed. The answer says how many jobs there are, and shows some. */
  dryRun?: boolean;
  /** The jobs, one by one. Ids that are of no job are counted as notFound. */
  ids?: string[];
  /** With PAUSE: why, and until when, as for a single job. */
  pause?: PauseRequest;
  /** Or the jobs that all of this selects, as the parameters of GET /jobs do. */
  query?: BulkQuery;
  /** With TAG: which tags each job gets and loses. */
  tags?: BulkTags;
}

export interface BulkTags {
  /** Tags that each job gets. */
  add?: string[];
  /** Tags that each job loses; none that it gets. */
  remove?: string[];
}

export interface Certificate {
  /** When the first certificate of its chain expires, Unix milliseconds: notAfter, or sooner. */
  expiresAt: number;
  /** Who has signed it. */
  issuer: string;
  /** How many more there are. */
  moreNames: number;
  /** Names and addresses for which it is valid: the first five. */
  names: string[];
  /** When it expires, Unix milliseconds. */
  notAfter: number;
  /** Unix milliseconds. */
  notBefore: number;
  /** Why it is not; null: it is. */
  reason: string | null;
  /** When the last handshake was, Unix milliseconds. */
  seenAt: number;
  /** Whose it is. */
  subject: string;
  /** The version of TLS. */
  tlsVersion: string;
  /** Whether it was verified and is valid. */
  verified: boolean;
}

export interface Change {
  /** What was done. Pausing and resuming are UPDATE. TEST is a test call. An import is one entry. BULK is an operation on many jobs, each of which has an entry of its own; CANCEL ends one. REVEAL is an export with secrets. REFUSE was not done: the role or the namespace of the key does not allow it. SIGN_IN and SIGN_OUT begin and end sessions of browsers. NODE_DRAIN and NODE_RESUME say which servers fire jobs. ALERT_ACKNOWLEDGE and NOTIFICATION_RESEND are about alerts. SETTING_CREATE and the others change a channel, a rule, a silence or a window of alerts, which detail names; CHANNEL_TEST sends a message to try a channel. */
  action: "CREATE" | "UPDATE" | "DELETE" | "TRIGGER" | "TEST" | "IMPORT" | "BULK" | "CANCEL" | "EXPORT" | "REVEAL" | "REFUSE" | "KEY_CREATE" | "KEY_REVOKE" | "SIGN_IN" | "SIGN_OUT" | "NODE_DRAIN" | "NODE_RESUME" | "ALERT_ACKNOWLEDGE" | "NOTIFICATION_RESEND" | "SETTING_CREATE" | "SETTING_UPDATE" | "SETTING_DELETE" | "CHANNEL_TEST";
  /** The job after a CREATE or an UPDATE. */
  after?: MaskedVersion;
  /** When it was asked for, Unix milliseconds. */
  at: number;
  /** The job before an UPDATE or a DELETE. */
  before?: MaskedVersion;
  /** Who did it. */
  by: ChangeAuthor;
  /** How many jobs an IMPORT has made or a BULK has matched, or how many jobs or executions an EXPORT or a REVEAL has written, a broken one as far as it came. */
  count: number | null;
  /** What a BULK does, and with which jobs. What an EXPORT or a REVEAL has selected: jobs or executions, and the parameters or all. Of a REFUSE the method and the path. Of a TEST the method and the URL without its query. Of a setting of alerts its kind and its id. Of the others which server, group or message. */
  detail?: string;
  /** The execution that a TRIGGER started, or the id that the request of a TEST has had. */
  executionId: string | null;
  /** The job; null: it is not about one. */
  jobId: string | null;
  /** The key of KEY_CREATE and KEY_REVOKE. */
  key?: ChangedKey;
  /** When the last of these was, Unix milliseconds. */
  lastAt?: number;
  /** The operation on many jobs of a BULK and a CANCEL, and of a change that it has made. */
  operationId?: string;
  /** The X-Request-Id of the request that asked for it; absent: not known. */
  requestId?: string;
  /** How many requests an EXPORT, a REFUSE, a SIGN_IN, a SIGN_OUT or a CHANNEL_TEST stands for. */
  times?: number;
  /** The job's version after it; of a DELETE the last one. null: it is not about a job. */
  version: number | null;
}

export interface ChangeAuthor {
  /** Where the request came from. */
  address?: string;
  /** The id of the API key; env: a key of the settings; loopback: no key was set and the caller was on this machine; anonymous: no key was set, as the operator wanted; oidc: and the subject at the provider: somebody who has signed in by OpenID Connect; server: Belfry itself, because a pause has ended. */
  key: string;
  /** The name of the key, or of the person. */
  name?: string;
}

export interface ChangePreview {
  /** The fields that would change, as in GET /jobs/{id}/versions. That a secret gets another value is told to admins alone. */
  changes: string[];
  /** The schedule in words. */
  description: string;
  /** The clock changes of the two years after that touch the schedule. */
  dstShifts: ShiftState[];
  /** The fires of the next 30 days that the change would make or end. */
  fires: ChangedFires;
  /** Whether the job would fire. */
  isActive: boolean;
  /** The next fires that there would be, ten at most. */
  next: Instant[];
  /** What the job would be, with every default filled in and ******** for the values of secret headers. */
  spec: CurrentSpec;
  /** The number of the job's current version, which the change was laid over. */
  version: number;
  /** What is allowed but may not be meant, as in the answer to the change. */
  warnings: string[];
}

export interface ChangedFires {
  /** Fires after this instant were compared, Unix milliseconds. */
  from: number;
  /** The first ones that are gained, 20 at most, in the zone that the job would have. */
  gained: Instant[];
  /** How many fires there would be that there are not now. */
  gainedCount: number;
  /** The first ones that are lost, 20 at most, in the zone that the job has. */
  lost: Instant[];
  /** How many fires there would not be any more. */
  lostCount: number;
  /** Those before it, Unix milliseconds: 30 days later, or less with truncated. */
  to: number;
  /** Whether there were too many fires to compare all of 30 days. */
  truncated: boolean;
}

export interface ChangedKey {
  /** When it was to expire, Unix milliseconds; null: never. */
  expiresAt: number | null;
  /** The key's id. */
  id: string;
  /** Its name. */
  name?: string;
  /** The only namespace that it saw; absent: all. */
  namespace?: string;
  /** What it might do. */
  role?: "admin" | "editor" | "viewer";
}

export interface Changes {
  /** The page, newest first. */
  changes: Change[];
  /** The cursor of the next page; absent on the last one. */
  nextCursor?: string;
}

export interface Channel {
  /** Unix milliseconds; null: it is not stored. */
  createdAt: number | null;
  /** Whether rules that name no channels mean it. */
  default: boolean;
  /** Whether nothing is sent to it: its messages wait, for a day at most. */
  disabled: boolean;
  /** Why it cannot be told: its secrets need another encryption key. null: it can. */
  error: string | null;
  /** Its id, which rules name. */
  id: string;
  /** How it is told: see GET /alerts/channels/kinds. */
  kind: string;
  /** The latest attempt; absent: none is known. */
  lastDelivery?: LastDelivery;
  /** The only namespace whose rules may use it; absent: all. */
  namespace?: string;
  /** When the oldest of these was made, Unix milliseconds; null: there are none. */
  oldestPendingAt: number | null;
  /** Fields of the kind that are not secret. */
  options: Record<string, string>;
  /** Messages that wait for it. */
  pending: number;
  /** Messages a minute; past that they are one digest. */
  perMinute: number;
  /** The number in its ETag; null: it is not stored. */
  revision: number | null;
  /** Those that are: ******** for each that is set. */
  secrets: Record<string, string>;
  /** ******** for each. */
  signingSecrets: string[];
  /** api: it is stored. environment: it is of BELFRY_ALERT_URL of the server that answers, and is changed there. */
  source: "api" | "environment";
  /** Where it is, as far as that is no secret. */
  target: string;
  /** How its messages are written. */
  templates: ChannelTemplates;
  /** Unix milliseconds; null: it is not stored. */
  updatedAt: number | null;
}

export interface ChannelField {
  /** What it is, for people. */
  help: string;
  /** Its name. */
  name: string;
  /** Whether there is no channel without it. */
  required: boolean;
  /** true: it is one of secrets, otherwise one of options. */
  secret: boolean;
}

export interface ChannelKind {
  /** What a channel has to know, in the order of a form. */
  fields: ChannelField[];
  /** Its name. */
  kind: string;
  /** Whether its messages may be signed: signingSecrets. */
  signed: boolean;
}

export interface ChannelKinds {
  /** All of them. */
  kinds: ChannelKind[];
}

export interface ChannelTemplates {
  /** Of the rest; absent: the usual one. */
  text?: string;
  /** Of the first line; absent: the usual one. */
  title?: string;
}

export interface Channels {
  /** Those of the settings first, then by id. */
  channels: Channel[];
}

export interface CheckState {
  /** The reason when it is not. */
  detail?: string;
  /** Whether all is well. */
  ok: boolean;
  /** What somebody should look at although the check is ok. */
  warning?: string;
}

export interface Cluster {
  /** The database, as this server sees it. */
  database: Database;
  /** The servers, by name. */
  nodes: Node[];
  /** The parts into which the jobs are divided. Each is fired by one server. */
  shards: Shards;
}

export interface Condition {
  /** How many; absent: 1. Not with LOST, NOT_RUN, SERVER and UNDELIVERABLE. */
  count?: number;
  /** FAILURES: count executions in a row have failed for good. FAILED_OF_LAST: count of the last of executions. SUCCESS_RATE: fewer than percent of at least count executions in the window have succeeded; asked when one fails. DURATION, DRIFT: count executions in the window have taken, or were started, more than thresholdMs. MISSED, SKIPPED: count fires in the window were dropped by the policy of the job. LOST: an audit has found fires without a record. NOT_RUN: a fire was due longer than thresholdMs ago, and none was sent since. SERVER: a check of the servers fails for longer than thresholdMs, or a node has no beat. UNDELIVERABLE: the last message to a channel could not be delivered. The last two are about no jobs: match does not go with them. */
  kind: "FAILURES" | "FAILED_OF_LAST" | "SUCCESS_RATE" | "DURATION" | "DRIFT" | "MISSED" | "SKIPPED" | "LOST" | "NOT_RUN" | "SERVER" | "UNDELIVERABLE";
  /** With FAILED_OF_LAST: of how many. */
  of?: number;
  /** With SUCCESS_RATE. */
  percent?: number;
  /** With DURATION and DRIFT, milliseconds. */
  thresholdMs?: number;
  /** With SUCCESS_RATE, DURATION, DRIFT, MISSED and SKIPPED: until now, milliseconds; absent: an hour. */
  windowMs?: number;
}

export interface Connections {
  /** Those of the open ones that speak HTTP/2: they carry several calls at a time. */
  http2: number;
  /** Those that are not in use. */
  idle: number;
  /** In use and idle. */
  open: number;
  /** Those that are being opened. */
  opening: number;
  /** Calls in flight on those: streams of HTTP/2. */
  streams: number;
  /** Calls that have a slot and wait for a connection. */
  waiting: number;
}

export interface Counts {
  /** The action was carried out. */
  done: number;
  /** The action was refused: see errors. */
  failed: number;
  /** Jobs that the operation is about, as far as it has looked. */
  matched: number;
  /** Ids of the request that are of no job; not among matched. */
  notFound: number;
  /** Of these: not dealt with yet. */
  pending: number;
  /** The job was deleted by somebody else before its turn. */
  skipped: number;
  /** The job was like that already. */
  unchanged: number;
}

export interface CreatedKey {
  /** Unix milliseconds. */
  createdAt: number;
  /** From when on it opens nothing any more, Unix milliseconds; null: it does not expire. */
  expiresAt: number | null;
  /** The key's id, which is its public part. */
  id: string;
  /** The key: send it as Authorization: Bearer KEY. It is shown this once, and absent when the answer is repeated. */
  key?: string;
  /** In a repeated answer: why it does not have the key. */
  message?: string;
  /** Who or what uses it. */
  name: string;
  /** The only namespace that it sees; absent: all. */
  namespace?: string;
  /** What it may do. */
  role: "admin" | "editor" | "viewer";
}

/** The fields of a job as they are in force. */
export interface CurrentSpec {
  /** Where: the http or https URL to call. A host name of another script is kept in its xn-- form. */
  api: string;
  /** The body of the call: any JSON value, at most 256 KiB. A string is sent as its text. Without one the identity of the fire is sent: {jobId, executionId, scheduledAt, attempt}. Must be absent for GET and HEAD. */
  body?: unknown;
  /** The client certificate to show to the target, by its name in the server's config file (mutual TLS). For https URLs only. */
  clientCertificate?: string;
  /** What becomes of fixed times when clocks change. */
  dst: Dst;
  /** No fire at or after this instant: Unix milliseconds; 0: for ever. */
  endAt?: number;
  /** Headers of the call, 32 KiB in all. Those of the connection, Host, Idempotency-Key, Belfry-*, Webhook-* and Proxy-* are refused, also with _ for -. Values of Authorization, Cookie, *-Key, *-Token and *-Secret are kept sealed and shown as ********; an edit that sends that back keeps the value. */
  headers?: Record<string, string>;
  /** Spreads jobs of one schedule: each has its own fixed delay, from 0 to this many milliseconds, by its id. */
  jitterMs?: number;
  /** A key that the client chooses: no other job of the namespace has it, until the job is deleted. PUT /jobs/by-key/{key} makes the job or changes it. */
  key?: string;
  /** The HTTP method of the call. */
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** What becomes of fires whose time passed while nobody could send them. */
  misfire: Misfire;
  /** A name for people, in printable text. */
  name?: string;
  /** Where it belongs: a key that is confined to a namespace sees the jobs of that one alone. It cannot be changed later. */
  namespace: string;
  /** What becomes of a fire that comes due while the previous execution still runs. ALLOW: sent beside it. SKIP: recorded as SKIPPED. QUEUE: sent when it has ended. */
  overlap: "ALLOW" | "SKIP" | "QUEUE";
  /** Whether the target's name is looked up and a connection is opened, TLS included, half a second before a fire is due. false: not before it is due, for targets that count connections. */
  prepare?: boolean | null;
  /** What follows a failure that may pass: a network error, a timeout, 408, 425, 429 or 5xx. */
  retry: Retry;
  /** When: second minute hour day-of-month month day-of-week, or five fields (second = 0), or a macro (@hourly, @every 1h30m, @at 2026-01-01T09:00:00Z). */
  schedule: string;
  /** Names of further headers whose values are secret. */
  secretHeaders?: string[];
  /** How calls are signed (Standard Webhooks): webhook-id, webhook-timestamp, webhook-signature. Without secrets of its own a job uses the server's, if there are any. */
  signing?: Signing;
  /** No fire before this instant: Unix milliseconds; 0: at once. */
  startAt?: number;
  /** Words to find jobs by: 1 to 64 characters each, none twice. */
  tags?: string[];
  /** How long one attempt may take, connecting included, in milliseconds. */
  timeoutMs: number;
  /** The IANA zone in which the schedule is read. */
  timezone: string;
  /** Accept any TLS certificate of the target. For tests only. */
  tlsSkipVerify?: boolean;
  /** How surely. ATLEAST_ONCE: never lost; a crash may send a fire again, with the same Idempotency-Key. ATMOST_ONCE: never sent twice; a crash may leave the outcome UNKNOWN. */
  type: "ATLEAST_ONCE" | "ATMOST_ONCE";
}

export interface Database {
  /** How far the clock of this server's machine is ahead of the database's, in milliseconds; below zero: behind. null: it is a file. */
  clockAheadMs: number | null;
  /** sqlite: files of this server. postgresql: a PostgreSQL database, which servers can share. */
  kind: "sqlite" | "postgresql";
  /** How long its last answer took, in milliseconds; null: it is a file. */
  latencyMs: number | null;
  /** The protocol between servers that all of them speak; null: it is a file. */
  protocol: number | null;
  /** synchronous: a commit waits for a standby. asynchronous: it does not, whether there is one or not. null: it is a file, or it is not known. */
  replication: "synchronous" | "asynchronous";
}

export interface Deleted {
  /** No fire at or after this instant is sent, Unix milliseconds. */
  effectiveTo: number;
  /** The job's id. */
  jobId: string;
  /** What was done, for people. */
  message: string;
}

export interface DeletedChannel {
  /** The channel's id. */
  id: string;
  /** What was done, for people. */
  message: string;
}

export interface DeletedSetting {
  /** The id. */
  id: string;
  /** What was done, for people. */
  message: string;
}

export interface Distribution {
  /** The longest, exactly. */
  max: number;
  /** Half of them were at most as long. */
  p50: number;
  /** Nine of ten were at most as long. */
  p90: number;
  /** 99 of 100 were at most as long. */
  p99: number;
}

export interface Drift {
  /** Half of them began no later, in milliseconds. */
  p50: number;
  /** 99 of 100 began no later, in milliseconds; off by 6 % at most. */
  p99: number;
}

export interface DryRun {
  /** How many jobs were counted. With nextCursor not all were. */
  count: number;
  /** The first of them, 20 at most; none on further pages. */
  jobs: ShownJob[];
  /** Send it as cursor to count on; absent: all were counted. */
  nextCursor?: string;
  /** Ids of the request that are of no job. */
  notFound: number;
}

export interface Dst {
  /** A time that comes twice: at its first occurrence, at its second, or at both. */
  fold?: "FIRST" | "SECOND" | "BOTH";
  /** A time that the clock skips: right after the gap, not at all, or right before it. */
  gap?: "AFTER" | "SKIP" | "BEFORE";
}

export interface DstChange {
  /** A time that comes twice: at its first occurrence, at its second, or at both. */
  fold?: "FIRST" | "SECOND" | "BOTH" | null;
  /** A time that the clock skips: right after the gap, not at all, or right before it. */
  gap?: "AFTER" | "SKIP" | "BEFORE" | null;
}

export interface DstSpec {
  /** A time that comes twice: at its first occurrence, at its second, or at both. */
  fold?: "FIRST" | "SECOND" | "BOTH" | null;
  /** A time that the clock skips: right after the gap, not at all, or right before it. */
  gap?: "AFTER" | "SKIP" | "BEFORE" | null;
}

export interface EndedCounts {
  /** FAILED. */
  failed: number;
  /** MISSED. */
  missed: number;
  /** SKIPPED. */
  skipped: number;
  /** SUCCESS. */
  success: number;
  /** UNKNOWN. */
  unknown: number;
}

export interface Execution {
  /** When it ended, Unix milliseconds; null: not yet. */
  completedAt: number | null;
  /** From startedAt to completedAt, retries and the waits between them included, in milliseconds; null while either is. */
  duration: number | null;
  /** What went wrong, with the start of a failure's response body; null: nothing. */
  error: string | null;
  /** The HTTP status of the last attempt; null: no response. */
  httpStatus: number | null;
  /** The execution's id. Every attempt carries it as Idempotency-Key. */
  id: string;
  /** The job's id. */
  jobId: string;
  /** Whether it was triggered by hand and not by the schedule. */
  manual: boolean;
  /** For a MISSED record that covers several fires: which. */
  missed?: Missed;
  /** When its next attempt is due, Unix milliseconds, while it waits for a retry. */
  nextAttemptAt?: number;
  /** Attempts after the first. */
  retryCount: number;
  /** When it was due, Unix milliseconds. */
  scheduledAt: number;
  /** When the first attempt was sent, Unix milliseconds; null: never. */
  startedAt: number | null;
  /** PENDING: due, waits for a slot or a retry. RUNNING: a request is in flight. SUCCESS: the target answered 2xx. FAILED: the last attempt failed. SKIPPED: not sent, by the overlap policy. MISSED: not sent, by the misfire policy. UNKNOWN: at most once, and a crash hid the outcome. */
  status: "PENDING" | "RUNNING" | "SUCCESS" | "FAILED" | "SKIPPED" | "MISSED" | "UNKNOWN";
  /** The version of the job that it belongs to. */
  version: number;
}

export interface ExecutionCounts {
  /** The mean duration of SUCCESS and FAILED, in milliseconds; 0 when there is none. */
  averageDurationMs: number;
  /** FAILED. */
  failed: number;
  /** MISSED. */
  missed: number;
  /** Executions that ended in the last hour, to the minute. */
  recentHour: number;
  /** SKIPPED. */
  skipped: number;
  /** successful of those that were sent (successful, failed, unknown), in percent with two decimals, rounded down; 0.00% when none were. */
  successRate: string;
  /** SUCCESS. */
  successful: number;
  /** Executions of every final status. */
  total: number;
  /** UNKNOWN. */
  unknown: number;
}

export interface ExecutionLine {
  /** Every HTTP request of the execution, oldest first. Absent where there was one at most. */
  attempts?: Attempt[];
  /** When it ended, Unix milliseconds; null: not yet. */
  completedAt: number | null;
  /** From startedAt to completedAt, retries and the waits between them included, in milliseconds; null while either is. */
  duration: number | null;
  /** What went wrong, with the start of a failure's response body; null: nothing. */
  error: string | null;
  /** The HTTP status of the last attempt; null: no response. */
  httpStatus: number | null;
  /** The execution's id. Every attempt carries it as Idempotency-Key. */
  id: string;
  /** The job's id. */
  jobId: string;
  /** Whether it was triggered by hand and not by the schedule. */
  manual: boolean;
  /** For a MISSED record that covers several fires: which. */
  missed?: Missed;
  /** When its next attempt is due, Unix milliseconds, while it waits for a retry. */
  nextAttemptAt?: number;
  /** Attempts after the first. */
  retryCount: number;
  /** When it was due, Unix milliseconds. */
  scheduledAt: number;
  /** When the first attempt was sent, Unix milliseconds; null: never. */
  startedAt: number | null;
  /** PENDING: due, waits for a slot or a retry. RUNNING: a request is in flight. SUCCESS: the target answered 2xx. FAILED: the last attempt failed. SKIPPED: not sent, by the overlap policy. MISSED: not sent, by the misfire policy. UNKNOWN: at most once, and a crash hid the outcome. */
  status: "PENDING" | "RUNNING" | "SUCCESS" | "FAILED" | "SKIPPED" | "MISSED" | "UNKNOWN";
  /** The version of the job that it belongs to. */
  version: number;
}

export interface ExecutionWithAttempts {
  /** Every HTTP request of the execution, oldest first. */
  attempts: Attempt[];
  /** When it ended, Unix milliseconds; null: not yet. */
  completedAt: number | null;
  /** From startedAt to completedAt, retries and the waits between them included, in milliseconds; null while either is. */
  duration: number | null;
  /** What went wrong, with the start of a failure's response body; null: nothing. */
  error: string | null;
  /** The HTTP status of the last attempt; null: no response. */
  httpStatus: number | null;
  /** The execution's id. Every attempt carries it as Idempotency-Key. */
  id: string;
  /** The job's id. */
  jobId: string;
  /** Whether it was triggered by hand and not by the schedule. */
  manual: boolean;
  /** For a MISSED record that covers several fires: which. */
  missed?: Missed;
  /** When its next attempt is due, Unix milliseconds, while it waits for a retry. */
  nextAttemptAt?: number;
  /** Attempts after the first. */
  retryCount: number;
  /** When it was due, Unix milliseconds. */
  scheduledAt: number;
  /** When the first attempt was sent, Unix milliseconds; null: never. */
  startedAt: number | null;
  /** PENDING: due, waits for a slot or a retry. RUNNING: a request is in flight. SUCCESS: the target answered 2xx. FAILED: the last attempt failed. SKIPPED: not sent, by the overlap policy. MISSED: not sent, by the misfire policy. UNKNOWN: at most once, and a crash hid the outcome. */
  status: "PENDING" | "RUNNING" | "SUCCESS" | "FAILED" | "SKIPPED" | "MISSED" | "UNKNOWN";
  /** The version of the job that it belongs to. */
  version: number;
}

export interface Executions {
  /** The page, newest scheduled first. */
  executions: Execution[];
  /** The cursor of the next page; absent on the last one. */
  nextCursor?: string;
}

export interface Failing {
  /** What failures are added up by. */
  by: "job" | "host";
  /** Whether all alerts of the time were added up: false where there are more than 2,000, or 10,000 were looked at. */
  complete: boolean;
  /** What failed most, at most limit. */
  failing: FailingEntry[];
  /** The first instant, Unix milliseconds. */
  from: number;
  /** The instant that it ends before, Unix milliseconds. */
  to: number;
}

export interface FailingEntry {
  /** What went wrong at the latest failure. */
  error: string | null;
  /** The latest execution that failed. */
  executionId: string;
  /** How often they failed, in the runs of failures whose latest failure ended in the time. */
  failures: number;
  /** The host that is called: scheme, name and port; empty: the URL of the job names none. */
  host: string;
  /** The HTTP status of the latest failure; null: no response. */
  httpStatus: number | null;
  /** The job; absent with by=host. */
  jobId?: string;
  /** How many jobs failed. */
  jobs: number;
  /** When the latest failure ended, Unix milliseconds. */
  lastAt: number;
  /** Its name; absent: it has none, or with by=host. */
  name?: string;
  /** How many of them have not recovered. */
  open: number;
}

/** What is wrong with a field. A code keeps its meaning; there may be more one day. required: The field is missing or empty. unknown: There is no such field or parameter here. duplicate: The field, or one of its values, is there twice. wrong-type: The value has another JSON type, or is a fraction instead of an integer. wrong-format: The text cannot be read as what the field holds: a schedule, a URL, an instant, an id, a name. out-of-range: The number or the instant is below the least or above the greatest that is permitted. too-long: The text, the list or the object is too long. not-a-choice: The value is none of the words that the field permits. not-found: The value names something that does not exist, such as a time zone or a client certificate. contradiction: The value is not permitted together with that of another field. reserved: The header is set by Belfry or belongs to the connection. read-only: The field cannot be changed. stale: The version named is not the current one. masked: A secret has to be sent itself: a mask stands for none that is stored, or would reveal one. never-fires: The schedule has no instant left at which the job would fire. unsupported: The header or its value is not supported here. invalid: None of the others: the sentence says what is wrong. */
export type FieldCode = "required" | "unknown" | "duplicate" | "wrong-type" | "wrong-format" | "out-of-range" | "too-long" | "not-a-choice" | "not-found" | "contradiction" | "reserved" | "read-only" | "stale" | "masked" | "never-fires" | "unsupported" | "invalid";

export interface FieldProblem {
  /** What is wrong with it, for programs: see FieldCode. */
  code: FieldCode;
  /** The field, as a dotted path from the top of the document, or the name of a parameter or header. */
  field: string;
  /** What would be right. Its wording may change. */
  message: string;
  /** What was given. Absent when nothing was, or when it may be secret; long text is cut. */
  value?: unknown;
}

export interface Forecast {
  /** The hosts with the most fires, 20 at most. */
  byHost: ForecastShare[];
  /** The namespaces with the most fires, 20 at most. */
  byNamespace: ForecastShare[];
  /** The tags with the most fires, 20 at most. A job counts for each of its tags. */
  byTag: ForecastShare[];
  /** When it was computed, Unix milliseconds. */
  computedAt: number;
  /** The beginning of the first step, Unix milliseconds. */
  from: number;
  /** How many jobs were counted: those that are active, or whose pause has an end. */
  jobs: number;
  /** The first step with the most fires. Absent: there are none. */
  peak?: ForecastPeak;
  /** Each step, in order, also those without fires. */
  points: ForecastPoint[];
  /** How long a step is. */
  step: "second" | "minute" | "hour";
  /** The end of the last step, Unix milliseconds. */
  to: number;
  /** How many fires are due in all. */
  total: number;
  /** Whether there were too many different calendars, or names, to count all: then these are too few. */
  truncated: boolean;
}

export interface ForecastJob {
  /** How often it fires in the step. */
  count: number;
  /** The job. */
  jobId: string;
  /** Its name. */
  name?: string;
}

export interface ForecastPeak {
  /** The beginning of the step, Unix milliseconds. */
  at: number;
  /** How many fires are due in it. */
  count: number;
  /** Jobs that fire in it, ten at most: one of each group with the same calendar, the largest groups first. */
  jobs: ForecastJob[];
}

export interface ForecastPoint {
  /** The beginning of the step, Unix milliseconds. */
  at: number;
  /** How many fires are due in it. */
  count: number;
}

export interface ForecastShare {
  /** How many of the fires are due there. */
  count: number;
  /** The host, the tag or the namespace. */
  name: string;
}

export interface Handshakes {
  /** Failed. */
  failed: number;
  /** With a new session, since the host is known. */
  full: number;
  /** With an old session. */
  resumed: number;
  /** How many may be under way at a time. */
  window: number;
}

export interface Health {
  /** Each check by its name. */
  checks: Record<string, CheckState>;
  /** unhealthy as soon as one check is not ok. */
  status: "healthy" | "unhealthy";
  /** Since the process started. */
  uptimeSeconds: number;
  /** Belfry's version. */
  version: string;
  /** The release of the time zone data in force, and where they are from. */
  zones: string;
}

export interface Host {
  /** Calls in flight. */
  calls: number;
  /** What the last handshake showed of its certificate; absent: there was none. */
  certificate?: Certificate;
  /** Connections to it, now. */
  connections: Connections;
  /** TLS handshakes with it; absent: it is not https, or it is idle. */
  handshakes?: Handshakes;
  /** Scheme, name and port. */
  host: string;
  /** Why the last call that failed did; absent: none has failed for as long as the host is known. A call that succeeds does not clear it. */
  lastError?: HostError;
  /** How many calls it may have at a time: its slots. null: it has had nothing to do in the last seconds. */
  limit: number | null;
  /** Of those, the ones that waited in an overload and wait behind fires that came due later now. */
  overdue: number;
  /** Fires that are due and wait for a slot. */
  queued: number;
  /** Time of the quickest call of late at the target, from the request to the answer; null: no call has been answered. */
  quickestMs: number | null;
  /** Calls that ended in this minute and the one before. */
  recentCalls: number;
  /** Ranges of fires that wait beside those: they found no place in the queue, or are of a gap. */
  spans: number;
  /** answering: nothing is wrong. connecting: its calls wait for connections. hanging: all its slots are taken, and no call has ended for longer than usual. silent: the same for two seconds, or connections are not answered. refusing: connections fail at once. idle: it was not called for a minute or more, and only its certificate is known. */
  state: "answering" | "connecting" | "hanging" | "silent" | "refusing" | "idle";
  /** Connections that were begun since it last answered. */
  unanswered: Unanswered;
  /** Running mean of that time, over some 16 calls. */
  usualMs: number | null;
  /** How many connections it is worth, by its calls and their time. null: like limit. */
  worth: number | null;
}

export interface HostError {
  /** When the attempt ended, Unix milliseconds. */
  at: number;
  /** In the words of the execution; secrets are masked in the same way. */
  error: string;
}

export interface Hosts {
  /** The hosts, at most limit. */
  hosts: Host[];
  /** How many hosts there are without the limit. */
  total: number;
}

export interface Import {
  /** How many jobs were made. */
  imported: number;
  /** How many items were refused. */
  refused: number;
  /** One entry for each item, in the order of the body. */
  results: ImportResult[];
  /** How many items were skipped. */
  skipped: number;
  /** How many jobs were as their items say. */
  unchanged: number;
  /** How many jobs were changed. */
  updated: number;
}

export interface ImportResult {
  /** Why the item was refused; absent when it was not. */
  error?: ItemError;
  /** The item's place in the body, counted from 0. */
  index: number;
  /** The job's id: of the new one, or of the one that has the key; absent when the item was refused. */
  jobId?: string;
  /** What was done: a new job was made, the job that has the key was changed, or it was as the item says, or was left as it is, or nothing was done. */
  outcome: "created" | "updated" | "unchanged" | "skipped" | "refused";
  /** What is allowed but may not be meant: in the schedule, as a preview says it, a target that this server's egress rules refuse, and a pausedUntil that is past. Absent: nothing. */
  warnings?: string[] | null;
}

export interface Index {
  /** The reference for people. */
  docs: string;
  /** Whether all is well. */
  health: string;
  /** The jobs. */
  jobs: string;
  /** Counters for people; /metrics has those for Prometheus. */
  metrics: string;
  /** The product. */
  name: string;
  /** The reference for machines. */
  openapi: string;
  /** Its version. */
  version: string;
}

export interface Instant {
  /** Unix milliseconds. */
  at: number;
  /** The offset of the zone is another one than at the instant before, or than now for the first. gap: the clock has gone forward. fold: it has gone back. Absent: it is the same. */
  clockChange?: "gap" | "fold";
  /** The instant in the zone, RFC 3339. */
  local: string;
  /** The instant in UTC, RFC 3339. */
  utc: string;
}

export interface ItemError {
  /** The kind of problem as one word. */
  code: "malformed" | "invalid" | "unauthorized" | "forbidden" | "wrong-keys" | "sign-in-refused" | "rate" | "cross-origin" | "forwarded" | "misdirected" | "not-found" | "method" | "conflict" | "stale" | "idempotency-key-in-use" | "idempotency-key-reused" | "idempotency-keys-full" | "too-large" | "media-type" | "slow" | "busy" | "internal" | "unavailable";
  /** What went wrong. */
  detail?: string;
  /** Every wrong field. */
  errors?: FieldProblem[];
  /** The HTTP status that POST /jobs would have answered. */
  status: number;
  /** The kind of problem. */
  title: string;
}

export interface Job {
  /** How many bytes a body has that was cut. */
  bodyBytes?: number;
  /** In a list: whether spec lacks the body, because it is longer than 4 KiB. GET /jobs/{id} has it. Absent: spec is whole. */
  bodyCut?: boolean;
  /** Unix milliseconds. */
  createdAt: number;
  /** From when on the current version holds, Unix milliseconds. */
  effectiveFrom: number;
  /** Why the stored job cannot be run, and so fires nothing; absent when it can. */
  error?: string;
  /** The job's id. */
  id: string;
  /** Whether the job fires. false: it is paused. */
  isActive: boolean;
  /** The job's id, by the name that it has in every other document: the same as id. */
  jobId: string;
  /** The next scheduled fire, Unix milliseconds; null when there is none. */
  nextFireAt: number | null;
  /** Why it is paused; absent: nobody has said so. */
  pausedReason?: string;
  /** When it is active again by itself, Unix milliseconds; absent: once somebody resumes it. */
  pausedUntil?: number;
  /** What the job is, with every default filled in and ******** for the values of secret headers. */
  spec: CurrentSpec;
  /** When the current version was made, Unix milliseconds. */
  updatedAt: number;
  /** The number of the current version, counted from 1. */
  version: number;
}

/** Any subset of a job's fields, here or in spec, or the whole document of a job. */
export interface JobChange {
  /** Where: the http or https URL to call. A host name of another script is kept in its xn-- form. */
  api?: string;
  /** The body of the call: any JSON value, at most 256 KiB. A string is sent as its text. Without one the identity of the fire is sent: {jobId, executionId, scheduledAt, attempt}. Must be absent for GET and HEAD. */
  body?: unknown;
  /** As a list has it; cannot be changed. */
  bodyBytes?: number | null;
  /** As a list has it: the body, which is not in the document, stays as it is. */
  bodyCut?: boolean | null;
  /** The client certificate to show to the target, by its name in the server's config file (mutual TLS). For https URLs only. */
  clientCertificate?: string | null;
  /** As it was read, Unix milliseconds or RFC 3339; cannot be changed. */
  createdAt?: number | null;
  /** What becomes of fixed times when clocks change. */
  dst?: DstChange | null;
  /** As it was read, Unix milliseconds or RFC 3339; cannot be changed. */
  effectiveFrom?: number | null;
  /** No fire at or after this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: for ever. */
  endAt?: 0 | number | string | null;
  /** As it was read; cannot be changed. */
  error?: string | null;
  /** Headers of the call, 32 KiB in all. Those of the connection, Host, Idempotency-Key, Belfry-*, Webhook-* and Proxy-* are refused, also with _ for -. Values of Authorization, Cookie, *-Key, *-Token and *-Secret are kept sealed and shown as ********; an edit that sends that back keeps the value. */
  headers?: Record<string, string> | null;
  /** The job's id. Not needed; another one is refused. */
  id?: string | null;
  /** Whether the job fires. false: it is made paused. */
  isActive?: boolean | null;
  /** Spreads jobs of one schedule: each has its own fixed delay, from 0 to this many milliseconds, by its id. */
  jitterMs?: number | null;
  /** The same as id. */
  jobId?: string | null;
  /** A key that the client chooses: no other job of the namespace has it, until the job is deleted. PUT /jobs/by-key/{key} makes the job or changes it. */
  key?: string | null;
  /** As a list has it; not looked at. */
  lastExecution?: Record<string, unknown> | null;
  /** Of the answer to a change; not looked at. */
  message?: string | null;
  /** The HTTP method of the call. */
  method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | null;
  /** What becomes of fires whose time passed while nobody could send them. */
  misfire?: MisfireChange | null;
  /** A name for people, in printable text. */
  name?: string | null;
  /** Where it belongs: a key that is confined to a namespace sees the jobs of that one alone. It cannot be changed later. */
  namespace?: string | null;
  /** As it was read, Unix milliseconds or RFC 3339; cannot be changed. */
  nextFireAt?: number | null;
  /** What becomes of a fire that comes due while the previous execution still runs. ALLOW: sent beside it. SKIP: recorded as SKIPPED. QUEUE: sent when it has ended. */
  overlap?: "ALLOW" | "SKIP" | "QUEUE" | null;
  /** Why the job is paused. Gone once it is active. */
  pausedReason?: string | null;
  /** When the job is active again by itself: Unix milliseconds or RFC 3339, from 2001 to 2199, later than now; 0: once somebody resumes it. Gone once it is active. In an import and with PUT it may be past: then the job is active. */
  pausedUntil?: 0 | number | string | null;
  /** Whether the target's name is looked up and a connection is opened, TLS included, half a second before a fire is due. false: not before it is due, for targets that count connections. */
  prepare?: boolean | null;
  /** What follows a failure that may pass: a network error, a timeout, 408, 425, 429 or 5xx. */
  retry?: RetryChange | null;
  /** When: second minute hour day-of-month month day-of-week, or five fields (second = 0), or a macro (@hourly, @every 1h30m, @at 2026-01-01T09:00:00Z). */
  schedule?: string;
  /** Names of further headers whose values are secret. */
  secretHeaders?: string[] | null;
  /** How calls are signed (Standard Webhooks): webhook-id, webhook-timestamp, webhook-signature. Without secrets of its own a job uses the server's, if there are any. */
  signing?: SigningChange | null;
  /** The fields of the job, as GET /jobs/{id} has them; a field is here or beside it, not both. */
  spec?: JobFields | null;
  /** No fire before this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: at once. */
  startAt?: 0 | number | string | null;
  /** Words to find jobs by: 1 to 64 characters each, none twice. */
  tags?: string[] | null;
  /** How long one attempt may take, connecting included, in milliseconds. */
  timeoutMs?: number | null;
  /** The IANA zone in which the schedule is read. */
  timezone?: string | null;
  /** Accept any TLS certificate of the target. For tests only. */
  tlsSkipVerify?: boolean | null;
  /** How surely. ATLEAST_ONCE: never lost; a crash may send a fire again, with the same Idempotency-Key. ATMOST_ONCE: never sent twice; a crash may leave the outcome UNKNOWN. */
  type?: "ATLEAST_ONCE" | "ATMOST_ONCE";
  /** As it was read, Unix milliseconds or RFC 3339; cannot be changed. */
  updatedAt?: number | null;
  /** The number of the version that the change was made of. Another one than the current is a 409. */
  version?: number | null;
  /** Of the answer to a change; not looked at. */
  warnings?: string[] | null;
}

export interface JobCounts {
  /** Jobs that are not paused. */
  active: number;
  /** Jobs. */
  total: number;
}

/** Any subset of a job's fields. */
export interface JobFields {
  /** Where: the http or https URL to call. A host name of another script is kept in its xn-- form. */
  api?: string;
  /** The body of the call: any JSON value, at most 256 KiB. A string is sent as its text. Without one the identity of the fire is sent: {jobId, executionId, scheduledAt, attempt}. Must be absent for GET and HEAD. */
  body?: unknown;
  /** The client certificate to show to the target, by its name in the server's config file (mutual TLS). For https URLs only. */
  clientCertificate?: string | null;
  /** What becomes of fixed times when clocks change. */
  dst?: DstChange | null;
  /** No fire at or after this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: for ever. */
  endAt?: 0 | number | string | null;
  /** Headers of the call, 32 KiB in all. Those of the connection, Host, Idempotency-Key, Belfry-*, Webhook-* and Proxy-* are refused, also with _ for -. Values of Authorization, Cookie, *-Key, *-Token and *-Secret are kept sealed and shown as ********; an edit that sends that back keeps the value. */
  headers?: Record<string, string> | null;
  /** Whether the job fires. false: it is made paused. */
  isActive?: boolean | null;
  /** Spreads jobs of one schedule: each has its own fixed delay, from 0 to this many milliseconds, by its id. */
  jitterMs?: number | null;
  /** A key that the client chooses: no other job of the namespace has it, until the job is deleted. PUT /jobs/by-key/{key} makes the job or changes it. */
  key?: string | null;
  /** The HTTP method of the call. */
  method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | null;
  /** What becomes of fires whose time passed while nobody could send them. */
  misfire?: MisfireChange | null;
  /** A name for people, in printable text. */
  name?: string | null;
  /** Where it belongs: a key that is confined to a namespace sees the jobs of that one alone. It cannot be changed later. */
  namespace?: string | null;
  /** What becomes of a fire that comes due while the previous execution still runs. ALLOW: sent beside it. SKIP: recorded as SKIPPED. QUEUE: sent when it has ended. */
  overlap?: "ALLOW" | "SKIP" | "QUEUE" | null;
  /** Why the job is paused. Gone once it is active. */
  pausedReason?: string | null;
  /** When the job is active again by itself: Unix milliseconds or RFC 3339, from 2001 to 2199, later than now; 0: once somebody resumes it. Gone once it is active. In an import and with PUT it may be past: then the job is active. */
  pausedUntil?: 0 | number | string | null;
  /** Whether the target's name is looked up and a connection is opened, TLS included, half a second before a fire is due. false: not before it is due, for targets that count connections. */
  prepare?: boolean | null;
  /** What follows a failure that may pass: a network error, a timeout, 408, 425, 429 or 5xx. */
  retry?: RetryChange | null;
  /** When: second minute hour day-of-month month day-of-week, or five fields (second = 0), or a macro (@hourly, @every 1h30m, @at 2026-01-01T09:00:00Z). */
  schedule?: string;
  /** Names of further headers whose values are secret. */
  secretHeaders?: string[] | null;
  /** How calls are signed (Standard Webhooks): webhook-id, webhook-timestamp, webhook-signature. Without secrets of its own a job uses the server's, if there are any. */
  signing?: SigningChange | null;
  /** No fire before this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: at once. */
  startAt?: 0 | number | string | null;
  /** Words to find jobs by: 1 to 64 characters each, none twice. */
  tags?: string[] | null;
  /** How long one attempt may take, connecting included, in milliseconds. */
  timeoutMs?: number | null;
  /** The IANA zone in which the schedule is read. */
  timezone?: string | null;
  /** Accept any TLS certificate of the target. For tests only. */
  tlsSkipVerify?: boolean | null;
  /** How surely. ATLEAST_ONCE: never lost; a crash may send a fire again, with the same Idempotency-Key. ATMOST_ONCE: never sent twice; a crash may leave the outcome UNKNOWN. */
  type?: "ATLEAST_ONCE" | "ATMOST_ONCE";
}

/** A merge patch of a job's fields, here or in spec. */
export interface JobPatch {
  /** Where: the http or https URL to call. A host name of another script is kept in its xn-- form. */
  api?: string;
  /** The body of the call: any JSON value, at most 256 KiB. A string is sent as its text. Without one the identity of the fire is sent: {jobId, executionId, scheduledAt, attempt}. Must be absent for GET and HEAD. */
  body?: unknown;
  /** As a list has it; cannot be changed. */
  bodyBytes?: number | null;
  /** As a list has it: the body, which is not in the document, stays as it is. */
  bodyCut?: boolean | null;
  /** The client certificate to show to the target, by its name in the server's config file (mutual TLS). For https URLs only. */
  clientCertificate?: string | null;
  /** As it was read, Unix milliseconds or RFC 3339; cannot be changed. */
  createdAt?: number | null;
  /** What becomes of fixed times when clocks change. */
  dst?: DstChange | null;
  /** As it was read, Unix milliseconds or RFC 3339; cannot be changed. */
  effectiveFrom?: number | null;
  /** No fire at or after this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: for ever. */
  endAt?: 0 | number | string | null;
  /** As it was read; cannot be changed. */
  error?: string | null;
  /** Headers of the call that are to be set, or with null removed; the others stay. Headers of the call, 32 KiB in all. Those of the connection, Host, Idempotency-Key, Belfry-*, Webhook-* and Proxy-* are refused, also with _ for -. Values of Authorization, Cookie, *-Key, *-Token and *-Secret are kept sealed and shown as ********; an edit that sends that back keeps the value. */
  headers?: Record<string, string | null> | null;
  /** The job's id. Not needed; another one is refused. */
  id?: string | null;
  /** Whether the job fires. false: it is made paused. */
  isActive?: boolean | null;
  /** Spreads jobs of one schedule: each has its own fixed delay, from 0 to this many milliseconds, by its id. */
  jitterMs?: number | null;
  /** The same as id. */
  jobId?: string | null;
  /** A key that the client chooses: no other job of the namespace has it, until the job is deleted. PUT /jobs/by-key/{key} makes the job or changes it. */
  key?: string | null;
  /** As a list has it; not looked at. */
  lastExecution?: Record<string, unknown> | null;
  /** Of the answer to a change; not looked at. */
  message?: string | null;
  /** The HTTP method of the call. */
  method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | null;
  /** What becomes of fires whose time passed while nobody could send them. */
  misfire?: MisfireChange | null;
  /** A name for people, in printable text. */
  name?: string | null;
  /** Where it belongs: a key that is confined to a namespace sees the jobs of that one alone. It cannot be changed later. */
  namespace?: string | null;
  /** As it was read, Unix milliseconds or RFC 3339; cannot be changed. */
  nextFireAt?: number | null;
  /** What becomes of a fire that comes due while the previous execution still runs. ALLOW: sent beside it. SKIP: recorded as SKIPPED. QUEUE: sent when it has ended. */
  overlap?: "ALLOW" | "SKIP" | "QUEUE" | null;
  /** Why the job is paused. Gone once it is active. */
  pausedReason?: string | null;
  /** When the job is active again by itself: Unix milliseconds or RFC 3339, from 2001 to 2199, later than now; 0: once somebody resumes it. Gone once it is active. In an import and with PUT it may be past: then the job is active. */
  pausedUntil?: 0 | number | string | null;
  /** Whether the target's name is looked up and a connection is opened, TLS included, half a second before a fire is due. false: not before it is due, for targets that count connections. */
  prepare?: boolean | null;
  /** What follows a failure that may pass: a network error, a timeout, 408, 425, 429 or 5xx. */
  retry?: RetryChange | null;
  /** When: second minute hour day-of-month month day-of-week, or five fields (second = 0), or a macro (@hourly, @every 1h30m, @at 2026-01-01T09:00:00Z). */
  schedule?: string;
  /** Names of further headers whose values are secret. */
  secretHeaders?: string[] | null;
  /** How calls are signed (Standard Webhooks): webhook-id, webhook-timestamp, webhook-signature. Without secrets of its own a job uses the server's, if there are any. */
  signing?: SigningChange | null;
  /** The fields of the job, as GET /jobs/{id} has them; a field is here or beside it, not both. */
  spec?: PatchFields | null;
  /** No fire before this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: at once. */
  startAt?: 0 | number | string | null;
  /** Words to find jobs by: 1 to 64 characters each, none twice. */
  tags?: string[] | null;
  /** How long one attempt may take, connecting included, in milliseconds. */
  timeoutMs?: number | null;
  /** The IANA zone in which the schedule is read. */
  timezone?: string | null;
  /** Accept any TLS certificate of the target. For tests only. */
  tlsSkipVerify?: boolean | null;
  /** How surely. ATLEAST_ONCE: never lost; a crash may send a fire again, with the same Idempotency-Key. ATMOST_ONCE: never sent twice; a crash may leave the outcome UNKNOWN. */
  type?: "ATLEAST_ONCE" | "ATMOST_ONCE";
  /** As it was read, Unix milliseconds or RFC 3339; cannot be changed. */
  updatedAt?: number | null;
  /** The number of the version that the change was made of. Another one than the current is a 409. */
  version?: number | null;
  /** Of the answer to a change; not looked at. */
  warnings?: string[] | null;
}

export interface JobSpec {
  /** Where: the http or https URL to call. A host name of another script is kept in its xn-- form. */
  api: string;
  /** The body of the call: any JSON value, at most 256 KiB. A string is sent as its text. Without one the identity of the fire is sent: {jobId, executionId, scheduledAt, attempt}. Must be absent for GET and HEAD. */
  body?: unknown;
  /** The client certificate to show to the target, by its name in the server's config file (mutual TLS). For https URLs only. */
  clientCertificate?: string | null;
  /** What becomes of fixed times when clocks change. */
  dst?: DstSpec | null;
  /** No fire at or after this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: for ever. */
  endAt?: 0 | number | string | null;
  /** Headers of the call, 32 KiB in all. Those of the connection, Host, Idempotency-Key, Belfry-*, Webhook-* and Proxy-* are refused, also with _ for -. Values of Authorization, Cookie, *-Key, *-Token and *-Secret are kept sealed and shown as ********; an edit that sends that back keeps the value. */
  headers?: Record<string, string> | null;
  /** Whether the job fires. false: it is made paused. */
  isActive?: boolean | null;
  /** Spreads jobs of one schedule: each has its own fixed delay, from 0 to this many milliseconds, by its id. */
  jitterMs?: number | null;
  /** A key that the client chooses: no other job of the namespace has it, until the job is deleted. PUT /jobs/by-key/{key} makes the job or changes it. */
  key?: string | null;
  /** The HTTP method of the call. */
  method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | null;
  /** What becomes of fires whose time passed while nobody could send them. */
  misfire?: MisfireSpec | null;
  /** A name for people, in printable text. */
  name?: string | null;
  /** Where it belongs: a key that is confined to a namespace sees the jobs of that one alone. It cannot be changed later. */
  namespace?: string | null;
  /** What becomes of a fire that comes due while the previous execution still runs. ALLOW: sent beside it. SKIP: recorded as SKIPPED. QUEUE: sent when it has ended. */
  overlap?: "ALLOW" | "SKIP" | "QUEUE" | null;
  /** Why the job is paused. Gone once it is active. */
  pausedReason?: string | null;
  /** When the job is active again by itself: Unix milliseconds or RFC 3339, from 2001 to 2199, later than now; 0: once somebody resumes it. Gone once it is active. In an import and with PUT it may be past: then the job is active. */
  pausedUntil?: 0 | number | string | null;
  /** Whether the target's name is looked up and a connection is opened, TLS included, half a second before a fire is due. false: not before it is due, for targets that count connections. */
  prepare?: boolean | null;
  /** What follows a failure that may pass: a network error, a timeout, 408, 425, 429 or 5xx. */
  retry?: RetrySpec | null;
  /** When: second minute hour day-of-month month day-of-week, or five fields (second = 0), or a macro (@hourly, @every 1h30m, @at 2026-01-01T09:00:00Z). */
  schedule: string;
  /** Names of further headers whose values are secret. */
  secretHeaders?: string[] | null;
  /** How calls are signed (Standard Webhooks): webhook-id, webhook-timestamp, webhook-signature. Without secrets of its own a job uses the server's, if there are any. */
  signing?: SigningSpec | null;
  /** No fire before this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: at once. */
  startAt?: 0 | number | string | null;
  /** Words to find jobs by: 1 to 64 characters each, none twice. */
  tags?: string[] | null;
  /** How long one attempt may take, connecting included, in milliseconds. */
  timeoutMs?: number | null;
  /** The IANA zone in which the schedule is read. */
  timezone?: string | null;
  /** Accept any TLS certificate of the target. For tests only. */
  tlsSkipVerify?: boolean | null;
  /** How surely. ATLEAST_ONCE: never lost; a crash may send a fire again, with the same Idempotency-Key. ATMOST_ONCE: never sent twice; a crash may leave the outcome UNKNOWN. */
  type: "ATLEAST_ONCE" | "ATMOST_ONCE";
}

export interface Jobs {
  /** With count=true: how many jobs were counted. jobs is empty then. */
  count?: number;
  /** The page. */
  jobs: ListedJob[];
  /** The cursor of the next page; absent on the last one. */
  nextCursor?: string;
}

export interface Key {
  /** Unix milliseconds. */
  createdAt: number;
  /** From when on it opens nothing any more, Unix milliseconds; null: it does not expire. */
  expiresAt: number | null;
  /** The key's id, which is its public part. */
  id: string;
  /** When it was last used, to the minute, Unix milliseconds; null: never. */
  lastUsedAt: number | null;
  /** Who or what uses it. */
  name: string;
  /** The only namespace that it sees; absent: all. */
  namespace?: string;
  /** What it may do. */
  role: "admin" | "editor" | "viewer";
}

export interface Keys {
  /** The keys. */
  keys: Key[];
}

export interface LastDelivery {
  /** When it was, Unix milliseconds. */
  at: number;
  /** Why it failed; null: it did not. */
  error: string | null;
  /** What has become of the message: PENDING: it has failed, and is tried again. */
  state: "PENDING" | "DELIVERED" | "UNDELIVERABLE" | "SUPERSEDED";
}

export interface ListedJob {
  /** How many bytes a body has that was cut. */
  bodyBytes?: number;
  /** In a list: whether spec lacks the body, because it is longer than 4 KiB. GET /jobs/{id} has it. Absent: spec is whole. */
  bodyCut?: boolean;
  /** Unix milliseconds. */
  createdAt: number;
  /** From when on the current version holds, Unix milliseconds. */
  effectiveFrom: number;
  /** Why the stored job cannot be run, and so fires nothing; absent when it can. */
  error?: string;
  /** The job's id. */
  id: string;
  /** Whether the job fires. false: it is paused. */
  isActive: boolean;
  /** The job's id, by the name that it has in every other document: the same as id. */
  jobId: string;
  /** With include=lastExecution: the newest execution that has ended. Absent when none is on record, or none was found in bounded time. */
  lastExecution?: Execution;
  /** The next scheduled fire, Unix milliseconds; null when there is none. */
  nextFireAt: number | null;
  /** Why it is paused; absent: nobody has said so. */
  pausedReason?: string;
  /** When it is active again by itself, Unix milliseconds; absent: once somebody resumes it. */
  pausedUntil?: number;
  /** What the job is, with every default filled in and ******** for the values of secret headers. */
  spec: CurrentSpec;
  /** When the current version was made, Unix milliseconds. */
  updatedAt: number;
  /** The number of the current version, counted from 1. */
  version: number;
}

export interface Live {
  /** ok, whatever else. */
  status: string;
}

export interface Load {
  /** How late first attempts began, in the last minute; absent: there were none. */
  driftMs?: Drift;
  /** Fires whose first attempt is on record, a second, over ten seconds. */
  firesPerSecond: number;
  /** Calls under way. */
  inFlight: number;
  /** Fires that are due and wait for a slot. */
  queued: number;
}

export interface LostFire {
  /** The id that the execution would have. */
  executionId: string;
  /** The job. */
  jobId: string;
  /** When it was due, Unix milliseconds. */
  scheduledAt: number;
  /** The version of the job that names it. */
  version: number;
}

export interface MaskedVersion {
  /** The length of a body of more than 4 KiB, in whose place spec has a text. */
  bodyBytes?: number;
  /** The SHA-256 of that body, as GET /jobs/{id} shows it, in hexadecimal digits. */
  bodySha256?: string;
  /** Whether the job fired. */
  isActive: boolean;
  /** Why it was paused. */
  pausedReason?: string;
  /** When it was to be active again by itself, Unix milliseconds; absent: once somebody resumes it. */
  pausedUntil?: number;
  /** What the job was, with secrets masked. */
  spec: CurrentSpec;
}

export interface Matcher {
  /** Only jobs that call this host: a name, name:port, or a URL with scheme and name. */
  host?: string;
  /** Only these jobs. */
  jobs?: string[];
  /** Only jobs of this namespace. */
  namespace?: string;
  /** Only jobs with this tag, exactly. */
  tag?: string;
}

export interface Me {
  /** From when on it is not accepted any more, Unix milliseconds; null: it does not expire. */
  expiresAt: number | null;
  /** The id of the API key, of a session the one with which it began; env: a key of the settings. */
  keyId?: string;
  /** Whether no API key is set. */
  keyless: boolean;
  /** anonymous: no key is set, so that none is needed. key: the request came with an API key. session: it came with the cookie of a session. */
  kind: "anonymous" | "key" | "session";
  /** The name of the key; of a session by OpenID Connect the verified address of the person, or what the provider calls them. */
  name?: string;
  /** The namespaces that the caller sees; absent: all. */
  namespaces?: string[] | null;
  /** What the caller may do. viewer: reads. editor: changes jobs and triggers them too. admin: everything. */
  role: "admin" | "editor" | "viewer";
  /** How one signs in. */
  signIn: SignIn;
  /** Of a session by OpenID Connect: who it is to the provider. There is no keyId then. */
  subject?: string;
}

export interface Metrics {
  /** Failures. */
  alerts: AlertCounts;
  /** Executions that have ended. A MISSED record counts each fire it covers. */
  executions: ExecutionCounts;
  /** Jobs that are not deleted. */
  jobs: JobCounts;
  /** When this was read, Unix milliseconds. */
  timestamp: number;
}

export interface Misfire {
  /** Older fires are not sent any more, in milliseconds. */
  maxAgeMs?: number;
  /** RUN_ALL sends at most this many of one gap, the latest ones. About as many wait for a target that is too slow; older ones are MISSED. */
  maxRuns?: number;
  /** RUN_ALL: all are sent late, oldest first. RUN_LATEST: the latest is, the rest is recorded as MISSED. SKIP: all are recorded as MISSED. */
  policy?: "RUN_ALL" | "RUN_LATEST" | "SKIP";
}

export interface MisfireChange {
  /** Older fires are not sent any more, in milliseconds. */
  maxAgeMs?: number | null;
  /** RUN_ALL sends at most this many of one gap, the latest ones. About as many wait for a target that is too slow; older ones are MISSED. */
  maxRuns?: number | null;
  /** RUN_ALL: all are sent late, oldest first. RUN_LATEST: the latest is, the rest is recorded as MISSED. SKIP: all are recorded as MISSED. */
  policy?: "RUN_ALL" | "RUN_LATEST" | "SKIP" | null;
}

export interface MisfireSpec {
  /** Older fires are not sent any more, in milliseconds. */
  maxAgeMs?: number | null;
  /** RUN_ALL sends at most this many of one gap, the latest ones. About as many wait for a target that is too slow; older ones are MISSED. */
  maxRuns?: number | null;
  /** RUN_ALL: all are sent late, oldest first. RUN_LATEST: the latest is, the rest is recorded as MISSED. SKIP: all are recorded as MISSED. */
  policy?: "RUN_ALL" | "RUN_LATEST" | "SKIP" | null;
}

export interface Missed {
  /** How many fires. */
  count: number;
  /** The first of the fires, Unix milliseconds; scheduledAt is the last. */
  from: number;
}

export interface NewChannel {
  /** true: rules that name no channels mean it. Without rules every final failure is told there. */
  default?: boolean;
  /** true: nothing is sent to it. Its messages wait, for a day at most. */
  disabled?: boolean;
  /** How it is told: see GET /alerts/channels/kinds. */
  kind: string;
  /** The only namespace whose rules may use it; absent: all. */
  namespace?: string;
  /** Fields of the kind that are not secret. */
  options?: Record<string, string>;
  /** Messages a minute; past that they are one digest. 0 or absent: 20. */
  perMinute?: number;
  /** Fields of the kind that are: sealed where they are stored, and never shown. ******** keeps the one that is there. */
  secrets?: Record<string, string>;
  /** Of the signature by Standard Webhooks, of kinds that have one: whsec_ and base64. Two during a rotation. ******** keeps the one in its place. */
  signingSecrets?: string[];
  /** How its messages are written, as text/template of Go reads it. */
  templates?: ChannelTemplates;
}

export interface NewKey {
  /** From when on it opens nothing any more: Unix milliseconds or RFC 3339; 0 or absent: it does not expire. */
  expiresAt?: 0 | number | string | null;
  /** Who or what will use it: the trail of changes shows it. In printable text. */
  name: string;
  /** The only namespace whose jobs, executions and alerts it sees; absent: all. An admin is confined to none. */
  namespace?: string | null;
  /** viewer: reads. editor: changes jobs and triggers them too. admin: everything, keys and the trail of changes too. */
  role: "admin" | "editor" | "viewer";
}

export interface NewSession {
  /** An API key. It is not kept. */
  key: string;
}

export interface Node {
  /** Where other servers reach it; empty: they cannot. */
  address: string;
  /** The parts of its settings that are not those of the server that answers, and should be: see docs/cluster.md. */
  differingSettings: string[];
  /** What it does; absent: it fires no jobs, or has not answered within a second. */
  load?: Load;
  /** BELFRY_NODE_NAME, or the name of the machine with the port. */
  name: string;
  /** The highest protocol between servers that it speaks; null: the database is files. */
  protocol: number | null;
  /** all: it fires jobs and answers clients. api: it fires none. scheduler: it answers no clients. */
  role: "all" | "api" | "scheduler";
  /** For how long it has not been seen, in milliseconds: it is seen once a second. */
  seenAgoMs: number;
  /** Whether it is the server that answers. */
  self: boolean;
  /** How many shards it owns. */
  shards: number;
  /** active: it is there. draining: it gives its shards to others and fires no jobs, because it stops, was asked to, or something bars it (see its health). gone: it has not been seen for 7 s, and others take its shards over. */
  state: "active" | "draining" | "gone";
  /** Of Belfry. */
  version: string;
  /** How far its record is behind, in milliseconds: everything that was due before has its outcome on record. null: it owns no shard. */
  watermarkLagMs: number | null;
}

export interface Notification {
  /** How often it was tried. */
  attempts: number;
  /** Where it goes. */
  channel: string;
  /** Unix milliseconds. */
  createdAt: number;
  /** When its state became final, Unix milliseconds; null: it is pending. */
  endedAt: number | null;
  /** Why that failed; null: it did not. */
  error: string | null;
  /** The group that it is about. */
  groupId: string;
  /** The message's id: the webhook-id. */
  id: string;
  /** The last attempt, Unix milliseconds; null: there was none. */
  lastAt: number | null;
  /** The next attempt, Unix milliseconds; null: there is none. */
  nextAt: number | null;
  /** PENDING: it is to be sent. DELIVERED: the channel has it. UNDELIVERABLE: it was tried for a day, or its channel is gone. SUPERSEDED: a later one took its place. */
  state: "PENDING" | "DELIVERED" | "UNDELIVERABLE" | "SUPERSEDED";
  /** Its first line. */
  title: string;
  /** What it says: alert.opened, alert.updated or alert.recovered. */
  type: string;
}

export interface Notifications {
  /** The cursor of the next page; absent on the last one. */
  nextCursor?: string;
  /** The page, newest first. */
  notifications: Notification[];
}

export interface Operation {
  /** What is done with each job. */
  action: "PAUSE" | "RESUME" | "TRIGGER" | "DELETE" | "TAG";
  /** Who began it. */
  by: OperationBy;
  /** When it was to be cancelled, Unix milliseconds; null: it was not. */
  cancelRequestedAt: number | null;
  /** What has become of the jobs so far. */
  counts: Counts;
  /** Unix milliseconds. */
  createdAt: number;
  /** When it has ended, Unix milliseconds; null: not yet. */
  endedAt: number | null;
  /** Why the action failed: the first ten jobs. */
  errors?: OperationErr[];
  /** Why the operation is FAILED. */
  fault?: string;
  /** The operation's id. */
  id: string;
  /** When all jobs were matched, Unix milliseconds; null: not yet. */
  matchedAt: number | null;
  /** How many ids the request had. */
  named?: number;
  /** The only namespace that its author sees, whose jobs alone are matched; absent: all. */
  namespace?: string;
  /** Of PAUSE; absent: nothing is said of it. */
  pause?: OperationPause;
  /** Or its query; empty: every job. */
  query?: BulkQuery;
  /** MATCHING: the jobs are being looked for. RUNNING: they are changed. DONE: each was dealt with. CANCELLED, FAILED: it has ended before; the rest is as it was. */
  state: "MATCHING" | "RUNNING" | "DONE" | "CANCELLED" | "FAILED";
  /** Of TAG. */
  tags?: BulkTags;
}

export interface OperationBy {
  /** The id of the API key, or env, loopback or anonymous, as in the trail of changes. */
  key: string;
  /** The name of the key. */
  name?: string;
}

export interface OperationErr {
  /** The job's id. */
  jobId: string;
  /** Why. */
  message: string;
}

export interface OperationPause {
  /** Why. */
  reason?: string;
  /** When the jobs are active again by themselves, Unix milliseconds; absent: once somebody resumes them. */
  until?: number;
}

export interface Operations {
  /** The cursor of the next page; absent on the last one. */
  nextCursor?: string;
  /** The page, newest first. */
  operations: Operation[];
}

/** A merge patch of a job's fields. */
export interface PatchFields {
  /** Where: the http or https URL to call. A host name of another script is kept in its xn-- form. */
  api?: string;
  /** The body of the call: any JSON value, at most 256 KiB. A string is sent as its text. Without one the identity of the fire is sent: {jobId, executionId, scheduledAt, attempt}. Must be absent for GET and HEAD. */
  body?: unknown;
  /** The client certificate to show to the target, by its name in the server's config file (mutual TLS). For https URLs only. */
  clientCertificate?: string | null;
  /** What becomes of fixed times when clocks change. */
  dst?: DstChange | null;
  /** No fire at or after this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: for ever. */
  endAt?: 0 | number | string | null;
  /** Headers of the call that are to be set, or with null removed; the others stay. Headers of the call, 32 KiB in all. Those of the connection, Host, Idempotency-Key, Belfry-*, Webhook-* and Proxy-* are refused, also with _ for -. Values of Authorization, Cookie, *-Key, *-Token and *-Secret are kept sealed and shown as ********; an edit that sends that back keeps the value. */
  headers?: Record<string, string | null> | null;
  /** Whether the job fires. false: it is made paused. */
  isActive?: boolean | null;
  /** Spreads jobs of one schedule: each has its own fixed delay, from 0 to this many milliseconds, by its id. */
  jitterMs?: number | null;
  /** A key that the client chooses: no other job of the namespace has it, until the job is deleted. PUT /jobs/by-key/{key} makes the job or changes it. */
  key?: string | null;
  /** The HTTP method of the call. */
  method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | null;
  /** What becomes of fires whose time passed while nobody could send them. */
  misfire?: MisfireChange | null;
  /** A name for people, in printable text. */
  name?: string | null;
  /** Where it belongs: a key that is confined to a namespace sees the jobs of that one alone. It cannot be changed later. */
  namespace?: string | null;
  /** What becomes of a fire that comes due while the previous execution still runs. ALLOW: sent beside it. SKIP: recorded as SKIPPED. QUEUE: sent when it has ended. */
  overlap?: "ALLOW" | "SKIP" | "QUEUE" | null;
  /** Why the job is paused. Gone once it is active. */
  pausedReason?: string | null;
  /** When the job is active again by itself: Unix milliseconds or RFC 3339, from 2001 to 2199, later than now; 0: once somebody resumes it. Gone once it is active. In an import and with PUT it may be past: then the job is active. */
  pausedUntil?: 0 | number | string | null;
  /** Whether the target's name is looked up and a connection is opened, TLS included, half a second before a fire is due. false: not before it is due, for targets that count connections. */
  prepare?: boolean | null;
  /** What follows a failure that may pass: a network error, a timeout, 408, 425, 429 or 5xx. */
  retry?: RetryChange | null;
  /** When: second minute hour day-of-month month day-of-week, or five fields (second = 0), or a macro (@hourly, @every 1h30m, @at 2026-01-01T09:00:00Z). */
  schedule?: string;
  /** Names of further headers whose values are secret. */
  secretHeaders?: string[] | null;
  /** How calls are signed (Standard Webhooks): webhook-id, webhook-timestamp, webhook-signature. Without secrets of its own a job uses the server's, if there are any. */
  signing?: SigningChange | null;
  /** No fire before this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: at once. */
  startAt?: 0 | number | string | null;
  /** Words to find jobs by: 1 to 64 characters each, none twice. */
  tags?: string[] | null;
  /** How long one attempt may take, connecting included, in milliseconds. */
  timeoutMs?: number | null;
  /** The IANA zone in which the schedule is read. */
  timezone?: string | null;
  /** Accept any TLS certificate of the target. For tests only. */
  tlsSkipVerify?: boolean | null;
  /** How surely. ATLEAST_ONCE: never lost; a crash may send a fire again, with the same Idempotency-Key. ATMOST_ONCE: never sent twice; a crash may leave the outcome UNKNOWN. */
  type?: "ATLEAST_ONCE" | "ATMOST_ONCE";
}

export interface PauseRequest {
  /** Why, for people. */
  reason?: string;
  /** When the job is active again by itself, Unix milliseconds or RFC 3339: later than now. 0 or absent: once somebody resumes it. */
  until?: 0 | number | string;
}

export interface Point {
  /** When the step begins, Unix milliseconds. */
  at: number;
  /** How late first attempts began, in milliseconds; absent: none did. */
  driftMs?: Distribution;
  /** From the first attempt to the end of SUCCESS and FAILED, in milliseconds; absent: there was none. */
  durationMs?: Distribution;
  /** Fires that were scheduled in the step and have ended. A summary counts each fire that it covers. */
  executions: EndedCounts;
  /** Attempts after the first. */
  retries: number;
}

export interface Preview {
  /** The schedule in words. */
  description: string;
  /** The clock changes of the two years after that touch the schedule. */
  dstShifts: ShiftState[];
  /** The instants, oldest first. */
  next: Instant[];
  /** What is allowed but may not be meant. */
  warnings: string[];
}

export interface PreviewRequest {
  /** Instants strictly after this one: Unix milliseconds or RFC 3339, from 2001 to 2199; 0 or absent: now. @every is counted from it. */
  after?: 0 | number | string | null;
  /** How many instants. */
  count?: number | null;
  /** What becomes of fixed times when clocks change, as in a job. */
  dst?: DstSpec | null;
  /** The job whose H is shown; absent: that of no job in particular. */
  jobId?: string | null;
  /** The expression, as in a job. */
  schedule: string;
  /** The IANA zone in which it is read. */
  timezone?: string | null;
}

export interface PreviewedChannel {
  /** The rest. */
  text: string;
  /** The first line. */
  title: string;
}

export interface Problem {
  /** The kind of problem as one word, for programs: the end of type. It keeps its meaning. */
  code: "malformed" | "invalid" | "unauthorized" | "forbidden" | "wrong-keys" | "sign-in-refused" | "rate" | "cross-origin" | "forwarded" | "misdirected" | "not-found" | "method" | "conflict" | "stale" | "idempotency-key-in-use" | "idempotency-key-reused" | "idempotency-keys-full" | "too-large" | "media-type" | "slow" | "busy" | "internal" | "unavailable";
  /** What went wrong this time. */
  detail?: string;
  /** Every wrong field. */
  errors?: FieldProblem[];
  /** For a 500: a number that the server's log has too. */
  instance?: string;
  /** For a 401: how one signs in. */
  signIn?: SignIn;
  /** The HTTP status. */
  status: number;
  /** The kind of problem in words. The same for every problem of a type. */
  title: string;
  /** What kind of problem this is: a section of /docs. There may be more one day. */
  type: "/docs#problem-malformed" | "/docs#problem-invalid" | "/docs#problem-unauthorized" | "/docs#problem-forbidden" | "/docs#problem-wrong-keys" | "/docs#problem-sign-in-refused" | "/docs#problem-rate" | "/docs#problem-cross-origin" | "/docs#problem-forwarded" | "/docs#problem-misdirected" | "/docs#problem-not-found" | "/docs#problem-method" | "/docs#problem-conflict" | "/docs#problem-stale" | "/docs#problem-idempotency-key-in-use" | "/docs#problem-idempotency-key-reused" | "/docs#problem-idempotency-keys-full" | "/docs#problem-too-large" | "/docs#problem-media-type" | "/docs#problem-slow" | "/docs#problem-busy" | "/docs#problem-internal" | "/docs#problem-unavailable";
}

export interface Quiet {
  /** Who has made it. */
  by: OperationBy;
  /** Its id. */
  id: string;
  /** A silence, or a maintenance window. */
  kind: "SILENCE" | "WINDOW";
  /** Why. */
  reason: string;
  /** When it ends, Unix milliseconds. */
  until: number;
}

export interface Ready {
  /** The names of the failing checks; /observability/health has the details. */
  failing?: string[];
  /** Whether Belfry does its work. */
  status: "ready" | "unready";
  /** The names of the checks that warn; /observability/health has the details. */
  warning?: string[];
}

export interface Retry {
  /** How the delay before retry n grows. FIXED: delay. LINEAR: delay * n. EXPONENTIAL: delay * 2^(n-1). */
  backoff?: "FIXED" | "LINEAR" | "EXPONENTIAL";
  /** The delay that backoff starts from, in milliseconds. */
  delayMs?: number;
  /** No delay is longer, in milliseconds; that of a Retry-After neither. */
  maxDelayMs?: number;
  /** Attempts after the first. */
  maxRetries?: number;
}

export interface RetryChange {
  /** How the delay before retry n grows. FIXED: delay. LINEAR: delay * n. EXPONENTIAL: delay * 2^(n-1). */
  backoff?: "FIXED" | "LINEAR" | "EXPONENTIAL" | null;
  /** The delay that backoff starts from, in milliseconds. */
  delayMs?: number | null;
  /** No delay is longer, in milliseconds; that of a Retry-After neither. */
  maxDelayMs?: number | null;
  /** Attempts after the first. */
  maxRetries?: number | null;
}

export interface RetrySpec {
  /** How the delay before retry n grows. FIXED: delay. LINEAR: delay * n. EXPONENTIAL: delay * 2^(n-1). */
  backoff?: "FIXED" | "LINEAR" | "EXPONENTIAL" | null;
  /** The delay that backoff starts from, in milliseconds. */
  delayMs?: number | null;
  /** No delay is longer, in milliseconds; that of a Retry-After neither. */
  maxDelayMs?: number | null;
  /** Attempts after the first. */
  maxRetries?: number | null;
}

export interface RevokedKey {
  /** The key's id. */
  id: string;
  /** What was done, for people. */
  message: string;
  /** From when on it opens nothing, Unix milliseconds. */
  revokedAt: number;
}

export interface Running {
  /** The page, newest scheduled first. */
  executions: RunningExecution[];
  /** The cursor of the next page; absent on the last one. */
  nextCursor?: string;
}

export interface RunningExecution {
  /** When it ended, Unix milliseconds; null: not yet. */
  completedAt: number | null;
  /** From startedAt to completedAt, retries and the waits between them included, in milliseconds; null while either is. */
  duration: number | null;
  /** For how long it has been under way, in milliseconds: since startedAt, or since scheduledAt while nothing was sent. */
  elapsedMs: number;
  /** What went wrong, with the start of a failure's response body; null: nothing. */
  error: string | null;
  /** The HTTP status of the last attempt; null: no response. */
  httpStatus: number | null;
  /** The execution's id. Every attempt carries it as Idempotency-Key. */
  id: string;
  /** The job's id. */
  jobId: string;
  /** Whether it was triggered by hand and not by the schedule. */
  manual: boolean;
  /** For a MISSED record that covers several fires: which. */
  missed?: Missed;
  /** When its next attempt is due, Unix milliseconds, while it waits for a retry. */
  nextAttemptAt?: number;
  /** When its next attempt is due, Unix milliseconds; null: it does not wait for one. */
  retryAt: number | null;
  /** Attempts after the first. */
  retryCount: number;
  /** When it was due, Unix milliseconds. */
  scheduledAt: number;
  /** When the first attempt was sent, Unix milliseconds; null: never. */
  startedAt: number | null;
  /** inFlight: a request is under way. queued: it waits for a place among the calls of its host, or for the job's execution before it. retrying: it waits for its next attempt, at retryAt. */
  state: "inFlight" | "queued" | "retrying";
  /** PENDING: due, waits for a slot or a retry. RUNNING: a request is in flight. SUCCESS: the target answered 2xx. FAILED: the last attempt failed. SKIPPED: not sent, by the overlap policy. MISSED: not sent, by the misfire policy. UNKNOWN: at most once, and a crash hid the outcome. */
  status: "PENDING" | "RUNNING" | "SUCCESS" | "FAILED" | "SKIPPED" | "MISSED" | "UNKNOWN";
  /** The version of the job that it belongs to. */
  version: number;
}

export interface Saved {
  /** How many bytes a body has that was cut. */
  bodyBytes?: number;
  /** In a list: whether spec lacks the body, because it is longer than 4 KiB. GET /jobs/{id} has it. Absent: spec is whole. */
  bodyCut?: boolean;
  /** Unix milliseconds. */
  createdAt: number;
  /** From when on the current version holds, Unix milliseconds. */
  effectiveFrom: number;
  /** Why the stored job cannot be run, and so fires nothing; absent when it can. */
  error?: string;
  /** The job's id. */
  id: string;
  /** Whether the job fires. false: it is paused. */
  isActive: boolean;
  /** The job's id, by the name that it has in every other document: the same as id. */
  jobId: string;
  /** What was done, for people. */
  message: string;
  /** The next scheduled fire, Unix milliseconds; null when there is none. */
  nextFireAt: number | null;
  /** Why it is paused; absent: nobody has said so. */
  pausedReason?: string;
  /** When it is active again by itself, Unix milliseconds; absent: once somebody resumes it. */
  pausedUntil?: number;
  /** What the job is, with every default filled in and ******** for the values of secret headers. */
  spec: CurrentSpec;
  /** When the current version was made, Unix milliseconds. */
  updatedAt: number;
  /** The number of the current version, counted from 1. */
  version: number;
  /** What is allowed but may not be meant: in the schedule, as a preview says it, a target that this server's egress rules refuse, and a pausedUntil that is past. Absent: nothing. */
  warnings?: string[] | null;
}

export interface Series {
  /** When the first step begins, Unix milliseconds. It is later than asked for where older points are not kept, or were too many to compute. */
  from: number;
  /** Those of steps in which anything was due, oldest first. */
  points: Point[];
  /** How long the time of a point is. */
  step: "minute" | "hour" | "day";
  /** When the last step ends, Unix milliseconds. */
  to: number;
}

export interface Setting {
  /** The value that holds where nothing sets it; absent: none. */
  default?: string;
  /** The flag of belfry serve that sets it, without its hyphens; absent: none does. */
  flag?: string;
  /** That place, for people. */
  from: string;
  /** Its name, as in a file. */
  key: string;
  /** Whether it is a secret: value has a mask in its place, and how many there are. */
  secret: boolean;
  /** The kind of the place that it is from. A flag overrides the environment, which overrides a .env file, which overrides the file. */
  source: "default" | "file" | "dotenv" | "environment" | "flag";
  /** What it is for. */
  usage: string;
  /** The value that holds, as it would be written in a file; empty: none. */
  value: string;
  /** The variable that sets it; absent: none does. */
  variable?: string;
}

export interface Settings {
  /** All settings, in the order in which they are documented. */
  settings: Setting[];
}

export interface Shards {
  /** Those that nobody owns: they were given up in good order. */
  free: number;
  /** Those whose server is gone: another one takes them over. */
  moving: number;
  /** Those whose server is there. */
  owned: number;
  /** How many there are. */
  total: number;
}

export interface ShiftState {
  /** The instant of the change, Unix milliseconds. */
  at: number;
  /** The local date. */
  date: string;
  /** What will happen. */
  effect: string;
  /** gap: the clock skips times. fold: times come twice. */
  kind: "gap" | "fold";
}

export interface ShownJob {
  /** The job's id. */
  id: string;
  /** Whether it fires. */
  isActive: boolean;
  /** Its name. */
  name?: string;
  /** Its namespace. */
  namespace: string;
}

export interface SignIn {
  /** With an API key. */
  key: boolean;
  /** By OpenID Connect, in a browser; absent: not. */
  oidc?: SignInOIDC;
}

export interface SignInOIDC {
  /** What people call the provider. */
  name: string;
  /** Where the browser goes, with to if it is to come back elsewhere than to the overview of the page. */
  url: string;
}

export interface Signing {
  /** One secret, or the new and the old one while targets change over: whsec_ and the base64 of 24 to 64 bytes. Kept sealed and shown as ********; in a change that stands for the secrets that are there, in their order. */
  secrets?: string[];
}

export interface SigningChange {
  /** One secret, or the new and the old one while targets change over: whsec_ and the base64 of 24 to 64 bytes. Kept sealed and shown as ********; in a change that stands for the secrets that are there, in their order. */
  secrets?: string[] | null;
}

export interface SigningSpec {
  /** One secret, or the new and the old one while targets change over: whsec_ and the base64 of 24 to 64 bytes. Kept sealed and shown as ********; in a change that stands for the secrets that are there, in their order. */
  secrets?: string[] | null;
}

export interface Silence {
  /** Whether it acts now. */
  active: boolean;
  /** Who has made it. */
  by: OperationBy;
  /** Unix milliseconds. */
  createdAt: number;
  /** Until when, Unix milliseconds. */
  endsAt: number;
  /** Why this server cannot read what is stored: it never acts, and the other fields are not its. Absent: it can. */
  error?: string;
  /** The silence's id. */
  id: string;
  /** Which jobs it is about; empty: every job. */
  match: Matcher;
  /** The only namespace that it is about; absent: all. */
  namespace?: string;
  /** Why. */
  reason: string;
  /** From when on, Unix milliseconds. */
  startsAt: number;
}

export interface SilenceRequest {
  /** How long, milliseconds. Or endsAt. */
  durationMs?: number;
  /** Until when: Unix milliseconds or RFC 3339. Or durationMs. */
  endsAt?: 0 | number | string;
  /** Which jobs it is about; absent: every job. */
  match?: Matcher;
  /** Why, for people. */
  reason: string;
  /** From when on: Unix milliseconds or RFC 3339; 0 or absent: now. */
  startsAt?: 0 | number | string;
}

export interface Silences {
  /** The silences, by their ids. */
  silences: Silence[];
}

export interface TestCall {
  /** Why the call has failed, as the record of a fire would have it. Absent: it has not. */
  error?: string;
  /** The execution id of the request. No execution is stored under it. */
  executionId: string;
  /** What was sent, or would have been. */
  request: TestRequest;
  /** What the target has answered. Absent: there was no answer that has a status. */
  response?: TestResponse;
  /** Whether a fire with this outcome would be tried again, if the job has retries. */
  retried: boolean;
  /** Whether the request, or a part of it, may have reached the target. */
  sent: boolean;
  /** Whether a fire that got this answer would be a SUCCESS. */
  success: boolean;
  /** Within how many milliseconds the request had to end, not counting waitedMs: the job's timeout, 30,000 at most. */
  timeoutMs: number;
  /** How long the parts of the call took. One that is absent was not needed, or not reached. */
  timings: TestTimings;
}

export interface TestHeader {
  /** Its name. */
  name: string;
  /** Its value. */
  value: string;
}

export interface TestRequest {
  /** The first 64 KiB of the body; empty: it has none, or it was withheld. */
  body: string;
  /** How many bytes of the body were sent, or read. */
  bodyBytes: number;
  /** How body is written: base64 where it is no text in UTF-8. */
  bodyEncoding: "text" | "base64";
  /** Whether there is more of the body or of the header. Of a long answer the rest is not read. */
  cut: boolean;
  /** The lines of the header, in their order. ******** stands for a secret. */
  headers: TestHeader[];
  /** The method. */
  method: string;
  /** The URL. */
  url: string;
  /** Whether the body is left out, because the job has secrets that could not be found in it: it is compressed, or no text in UTF-8. */
  withheld: boolean;
}

export interface TestResponse {
  /** The first 64 KiB of the body; empty: it has none, or it was withheld. */
  body: string;
  /** How many bytes of the body were sent, or read. */
  bodyBytes: number;
  /** How body is written: base64 where it is no text in UTF-8. */
  bodyEncoding: "text" | "base64";
  /** Whether there is more of the body or of the header. Of a long answer the rest is not read. */
  cut: boolean;
  /** The lines of the header, in their order. ******** stands for a secret. */
  headers: TestHeader[];
  /** By which protocol it came. */
  protocol: string;
  /** The HTTP status. */
  status: number;
  /** Whether the body is left out, because the job has secrets that could not be found in it: it is compressed, or no text in UTF-8. */
  withheld: boolean;
}

export interface TestTimings {
  /** The connect, milliseconds. */
  connectMs?: number;
  /** The lookup of the name, milliseconds. */
  dnsMs?: number;
  /** From the sending of the request until the answer began, milliseconds. */
  firstByteMs?: number;
  /** The TLS handshake, milliseconds. */
  tlsMs?: number;
  /** All of it, milliseconds. */
  totalMs: number;
  /** Before a connection was opened, milliseconds. */
  waitedMs?: number;
}

export interface TriedChannel {
  /** When it was sent, Unix milliseconds. */
  at: number;
  /** Whether the receiver has taken the message. */
  delivered: boolean;
  /** How long that took, in milliseconds. */
  durationMs: number;
  /** Why it has not, without secrets; null: it has. */
  error: string | null;
}

export interface Triggered {
  /** The execution's id. */
  executionId: string;
  /** The job's id. */
  jobId: string;
  /** What was done, for people. */
  message: string;
}

export interface Unanswered {
  /** All of them. More than 16: the host is silent or refuses. */
  connections: number;
  /** Those that failed at once. */
  failed: number;
}

export interface Version {
  /** How many bytes a body has that was cut. */
  bodyBytes?: number;
  /** Whether spec lacks the body, because it is longer than 4 KiB. Absent: spec is whole. */
  bodyCut?: boolean;
  /** For admins: who made it, as the audit trail has it. Absent: not known. */
  by?: VersionBy;
  /** The fields in which it differs from the version before it, isActive, pausedReason, pausedUntil and those of spec, with a dot before a member: headers.X-Team. That a secret has another value is told to admins alone. Absent: there is none before it, or it is not kept. */
  changed?: string[];
  /** From when on it holds, Unix milliseconds. */
  effectiveFrom: number;
  /** From when on it does not hold any more, Unix milliseconds; null: it is the current one. */
  effectiveTo: number | null;
  /** Why the stored version cannot be run; absent when it can. */
  error?: string;
  /** Whether the job fires. */
  isActive: boolean;
  /** Why it is paused. */
  pausedReason?: string;
  /** When it was to be active again by itself, Unix milliseconds; absent: once somebody resumes it. */
  pausedUntil?: number;
  /** What the job is, with every default filled in and ******** for the values of secret headers. */
  spec: CurrentSpec;
  /** The number of the version, counted from 1. */
  version: number;
}

export interface VersionBy {
  /** Where the request came from. */
  address?: string;
  /** The id of the API key; env, loopback, anonymous or server as in GET /audit/changes. */
  key: string;
  /** The name of the key. */
  name?: string;
  /** The operation on many jobs that has made it. */
  operationId?: string;
  /** The X-Request-Id of the request that asked for it; absent: not known. */
  requestId?: string;
}

export interface Versions {
  /** The cursor of the next page; absent on the last one. */
  nextCursor?: string;
  /** The page, newest first. */
  versions: Version[];
}

export interface Window {
  /** When it ends that acts now, Unix milliseconds; null: it does not. */
  activeUntil: number | null;
  /** Who has made it. */
  by: OperationBy;
  /** Unix milliseconds. */
  createdAt: number;
  /** It does not act. */
  disabled: boolean;
  /** How long it lasts, milliseconds. */
  durationMs: number;
  /** Why this server cannot read what is stored: it never acts, and the other fields are not its. Absent: it can. */
  error?: string;
  /** The window's id. */
  id: string;
  /** Which jobs it is about; empty: every job. */
  match: Matcher;
  /** The only namespace that it is about; absent: all. */
  namespace?: string;
  /** When it begins next, Unix milliseconds; null: never. */
  nextAt: number | null;
  /** Why. */
  reason: string;
  /** When it begins. */
  schedule: string;
  /** By whose clock. */
  timezone: string;
  /** Unix milliseconds. */
  updatedAt: number;
}

export interface WindowRequest {
  /** It does not act. */
  disabled?: boolean;
  /** How long it lasts, milliseconds. */
  durationMs: number;
  /** Which jobs it is about; absent: every job. */
  match?: Matcher;
  /** Why, for people. */
  reason: string;
  /** When it begins: a schedule as of jobs. */
  schedule: string;
  /** By whose clock; absent: UTC. */
  timezone?: string;
}

export interface Windows {
  /** The windows, by their ids. */
  windows: Window[];
}

export interface Routes {
  "GET /": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Index;
  };
  "GET /alerts/channels": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Channels;
  };
  "GET /alerts/channels/kinds": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: ChannelKinds;
  };
  "POST /alerts/channels/preview": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: ChannelTemplates;
    answer: PreviewedChannel;
  };
  "GET /alerts/channels/{id}": {
    path: {
      /** The channel's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Channel;
  };
  "PUT /alerts/channels/{id}": {
    path: {
      /** The channel's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: NewChannel;
    answer: Channel;
  };
  "DELETE /alerts/channels/{id}": {
    path: {
      /** The channel's id. */
      id: string;
    };
    query: Record<never, never>;
    body: undefined;
    answer: DeletedChannel;
  };
  "POST /alerts/channels/{id}/test": {
    path: {
      /** The channel's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: TriedChannel;
  };
  "GET /alerts/groups": {
    path: Record<never, never>;
    query: {
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** true: only groups that are not closed. */
      open?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: AlertGroups;
  };
  "GET /alerts/groups/{id}": {
    path: {
      /** The group's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: AlertGroup;
  };
  "POST /alerts/groups/{id}/acknowledge": {
    path: {
      /** The group's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: AlertGroup;
  };
  "GET /alerts/rules": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: AlertRules;
  };
  "GET /alerts/rules/{id}": {
    path: {
      /** The id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: AlertRule;
  };
  "PUT /alerts/rules/{id}": {
    path: {
      /** The id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: AlertRuleRequest;
    answer: AlertRule;
  };
  "DELETE /alerts/rules/{id}": {
    path: {
      /** The id. */
      id: string;
    };
    query: Record<never, never>;
    body: undefined;
    answer: DeletedSetting;
  };
  "GET /alerts/silences": {
    path: Record<never, never>;
    query: {
      /** true: only those that act now. */
      active?: boolean;
      /** Only those that are about this job. */
      jobId?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Silences;
  };
  "POST /alerts/silences": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: SilenceRequest;
    answer: Silence;
  };
  "GET /alerts/silences/{id}": {
    path: {
      /** The id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Silence;
  };
  "PUT /alerts/silences/{id}": {
    path: {
      /** The id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: SilenceRequest;
    answer: Silence;
  };
  "DELETE /alerts/silences/{id}": {
    path: {
      /** The id. */
      id: string;
    };
    query: Record<never, never>;
    body: undefined;
    answer: DeletedSetting;
  };
  "GET /alerts/windows": {
    path: Record<never, never>;
    query: {
      /** true: only those that act now. */
      active?: boolean;
      /** Only those that are about this job. */
      jobId?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Windows;
  };
  "GET /alerts/windows/{id}": {
    path: {
      /** The id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Window;
  };
  "PUT /alerts/windows/{id}": {
    path: {
      /** The id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: WindowRequest;
    answer: Window;
  };
  "DELETE /alerts/windows/{id}": {
    path: {
      /** The id. */
      id: string;
    };
    query: Record<never, never>;
    body: undefined;
    answer: DeletedSetting;
  };
  "GET /audit": {
    path: Record<never, never>;
    query: {
      /** The first instant. Absent: an hour before to. */
      from?: 0 | number | string;
      /** The last instant. Absent: now. */
      to?: 0 | number | string;
      /** Only fires of this job. */
      jobId?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Audit;
  };
  "GET /audit/changes": {
    path: Record<never, never>;
    query: {
      /** The first instant. Absent: all that is kept. */
      from?: 0 | number | string;
      /** The last instant. Absent: now. */
      to?: 0 | number | string;
      /** Only changes of this job. */
      jobId?: string;
      /** Only what the request with this X-Request-Id asked for; not beside jobId. */
      requestId?: string;
      /** Only what this operation on many jobs has done; not beside jobId or requestId. */
      operationId?: string;
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Changes;
  };
  "GET /cluster": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Cluster;
  };
  "POST /cluster/nodes/{name}/drain": {
    path: {
      /** The name of the server, as GET /cluster has it. */
      name: string;
    };
    query: Record<never, never>;
    body: undefined;
    answer: Node;
  };
  "POST /cluster/nodes/{name}/resume": {
    path: {
      /** The name of the server, as GET /cluster has it. */
      name: string;
    };
    query: Record<never, never>;
    body: undefined;
    answer: Node;
  };
  "GET /docs": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: string;
  };
  "GET /events": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: string;
  };
  "GET /executions": {
    path: Record<never, never>;
    query: {
      /** Only executions with one of these statuses, with commas between them. PENDING and RUNNING are those that have not ended. */
      status?: Array<"PENDING" | "RUNNING" | "SUCCESS" | "FAILED" | "SKIPPED" | "MISSED" | "UNKNOWN">;
      /** The first scheduled instant. Absent: from the oldest on. */
      from?: 0 | number | string;
      /** The scheduled instant to end before. Absent: to the newest. */
      to?: 0 | number | string;
      /** Only executions that were triggered by hand (true), or only those of schedules (false). */
      manual?: boolean;
      /** Only executions of this job. */
      jobId?: string;
      /** Only executions that call this host, or called it: a name, name:port, or a URL with scheme and name. It is that of the version of the job that fired. */
      host?: string;
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Executions;
  };
  "GET /executions/export": {
    path: Record<never, never>;
    query: {
      /** The first scheduled instant. Absent: from the oldest on. */
      from?: 0 | number | string;
      /** The scheduled instant to end before. Absent: to the newest. */
      to?: 0 | number | string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: string;
  };
  "GET /executions/running": {
    path: Record<never, never>;
    query: {
      /** Only executions of this job. */
      jobId?: string;
      /** Only executions that call this host, or called it: a name, name:port, or a URL with scheme and name. It is that of the version of the job that fired. */
      host?: string;
      /** Only executions in this state. */
      state?: "inFlight" | "queued" | "retrying";
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Running;
  };
  "GET /executions/{id}": {
    path: {
      /** The execution's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: ExecutionWithAttempts;
  };
  "GET /forecast": {
    path: Record<never, never>;
    query: {
      /** How long a step is. */
      step?: "second" | "minute" | "hour";
      /** The first instant; the step that has it is the first one. Absent: now. Not in the past. */
      from?: 0 | number | string;
      /** The end. Absent: an hour later with step=second, a day with minute, a week with hour. At most 4,000 steps. */
      to?: 0 | number | string;
      /** Only jobs of this namespace. */
      namespace?: string;
      /** Only jobs with this tag, exactly. */
      tag?: string;
      /** Only jobs that call this host: a name, name:port, or a URL with scheme and name. */
      host?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Forecast;
  };
  "GET /healthz": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Live;
  };
  "GET /hosts": {
    path: Record<never, never>;
    query: {
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** activity (the default): most calls in flight and queued first, then most calls of late. certificate: the certificate that expires first comes first; hosts without one come last. */
      sort?: "activity" | "certificate";
      /** Only this host: a URL, of which scheme, name and port count. */
      host?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Hosts;
  };
  "GET /jobs": {
    path: Record<never, never>;
    query: {
      /** Only jobs that are active (true) or paused (false). */
      isActive?: boolean;
      /** Only jobs whose last executions have failed, with an open alert (true), or only the others (false). */
      failing?: boolean;
      /** Only jobs of this namespace. */
      namespace?: string;
      /** Only the job with this key, exactly: one in each namespace at most. */
      key?: string;
      /** Only jobs with this name, exactly. */
      name?: string;
      /** Only jobs with this tag, exactly. */
      tag?: string;
      /** Only jobs that call this host: a name, name:port, or a URL with scheme and name. A name alone is that of every scheme and port. */
      host?: string;
      /** Only jobs whose name, api or id holds this text, in letters of any case. */
      text?: string;
      /** lastExecution: the newest execution of each job that has ended. limit is 200 at most then. */
      include?: "lastExecution";
      /** Only jobs whose next fire is before this instant, in the order of sort. The next fires are in memory and not in an index, so pages may end early. */
      nextFireBefore?: 0 | number | string;
      /** Only jobs of which no execution has ended (true), or only the others (false), as far as the record is kept. A job whose schedule had a fire an hour ago or earlier has run. The record is looked up for up to 200 jobs, so pages may end early. */
      neverRan?: boolean;
      /** id: in the order of their creation. -id: the newest first. name, -name: by the first 100 characters of the name, upwards or downwards, and then by id; A to Z are sorted as a to z, other letters by their code points; jobs without a name come last in both. -failures: the most failures in a row first, then the jobs that do not fail. nextFireAt: the soonest next fire first, then the jobs that do not fire. -lastFireAt: the latest execution on record first, then the jobs of which nothing is on record. The last three move while pages are read: a job may be on two pages, or on none. count does not depend on the order. */
      sort?: "id" | "-id" | "name" | "-name" | "-failures" | "nextFireAt" | "-lastFireAt";
      /** true: how many jobs there are, in the place of the list. limit does not matter then. With nextCursor not all were counted: the counts of the pages are to be added. */
      count?: boolean;
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Jobs;
  };
  "POST /jobs": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: JobSpec;
    answer: Saved;
  };
  "POST /jobs/bulk": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: BulkRequest;
    answer: DryRun | Operation;
  };
  "GET /jobs/by-key/{key}": {
    path: {
      /** The job's key. */
      key: string;
    };
    query: {
      /** The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default. */
      namespace?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Job;
  };
  "PUT /jobs/by-key/{key}": {
    path: {
      /** The job's key. */
      key: string;
    };
    query: {
      /** The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default. */
      namespace?: string;
      /** For admins: the job's secrets may be sent to another origin, although they are not sent anew with the change. */
      keepSecrets?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: JobChange;
    answer: Saved;
  };
  "PATCH /jobs/by-key/{key}": {
    path: {
      /** The job's key. */
      key: string;
    };
    query: {
      /** The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default. */
      namespace?: string;
      /** For admins: the job's secrets may be sent to another origin, although they are not sent anew with the change. */
      keepSecrets?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: JobPatch;
    answer: Saved;
  };
  "DELETE /jobs/by-key/{key}": {
    path: {
      /** The job's key. */
      key: string;
    };
    query: {
      /** The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default. */
      namespace?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Deleted;
  };
  "GET /jobs/by-key/{key}/executions": {
    path: {
      /** The job's key. */
      key: string;
    };
    query: {
      /** The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default. */
      namespace?: string;
      /** Only executions with one of these statuses, with commas between them. PENDING and RUNNING are those that have not ended. */
      status?: Array<"PENDING" | "RUNNING" | "SUCCESS" | "FAILED" | "SKIPPED" | "MISSED" | "UNKNOWN">;
      /** The first scheduled instant. Absent: from the oldest on. */
      from?: 0 | number | string;
      /** The scheduled instant to end before. Absent: to the newest. */
      to?: 0 | number | string;
      /** Only executions that were triggered by hand (true), or only those of schedules (false). */
      manual?: boolean;
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Executions;
  };
  "POST /jobs/by-key/{key}/pause": {
    path: {
      /** The job's key. */
      key: string;
    };
    query: {
      /** The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default. */
      namespace?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: PauseRequest;
    answer: Saved;
  };
  "POST /jobs/by-key/{key}/resume": {
    path: {
      /** The job's key. */
      key: string;
    };
    query: {
      /** The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default. */
      namespace?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Saved;
  };
  "POST /jobs/by-key/{key}/trigger": {
    path: {
      /** The job's key. */
      key: string;
    };
    query: {
      /** The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default. */
      namespace?: string;
    };
    body: undefined;
    answer: Triggered;
  };
  "GET /jobs/by-key/{key}/versions": {
    path: {
      /** The job's key. */
      key: string;
    };
    query: {
      /** The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default. */
      namespace?: string;
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Versions;
  };
  "GET /jobs/export": {
    path: Record<never, never>;
    query: {
      /** Only jobs that are active (true) or paused (false). */
      isActive?: boolean;
      /** Only jobs whose last executions have failed, with an open alert (true), or only the others (false). */
      failing?: boolean;
      /** Only jobs of this namespace. */
      namespace?: string;
      /** Only the job with this key, exactly: one in each namespace at most. */
      key?: string;
      /** Only jobs with this name, exactly. */
      name?: string;
      /** Only jobs with this tag, exactly. */
      tag?: string;
      /** Only jobs that call this host: a name, name:port, or a URL with scheme and name. A name alone is that of every scheme and port. */
      host?: string;
      /** Only jobs whose name, api or id holds this text, in letters of any case. */
      text?: string;
      /** Whether secrets, of headers and of signing, are shown, which takes POST. false: each is shown as ********. */
      withSecrets?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: string;
  };
  "POST /jobs/export": {
    path: Record<never, never>;
    query: {
      /** Only jobs that are active (true) or paused (false). */
      isActive?: boolean;
      /** Only jobs whose last executions have failed, with an open alert (true), or only the others (false). */
      failing?: boolean;
      /** Only jobs of this namespace. */
      namespace?: string;
      /** Only the job with this key, exactly: one in each namespace at most. */
      key?: string;
      /** Only jobs with this name, exactly. */
      name?: string;
      /** Only jobs with this tag, exactly. */
      tag?: string;
      /** Only jobs that call this host: a name, name:port, or a URL with scheme and name. A name alone is that of every scheme and port. */
      host?: string;
      /** Only jobs whose name, api or id holds this text, in letters of any case. */
      text?: string;
      /** Whether secrets, of headers and of signing, are shown, which takes POST. false: each is shown as ********. */
      withSecrets?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: string;
  };
  "POST /jobs/import": {
    path: Record<never, never>;
    query: {
      /** What becomes of an item whose key a job has: it is refused (409), or skipped, or the job is changed to what the item says. */
      onConflict?: "refuse" | "skip" | "update";
      /** For admins: secrets may be sent to another origin, although an item that changes the URL of its job does not have them. */
      keepSecrets?: boolean;
    };
    body: JobSpec[];
    answer: Import;
  };
  "POST /jobs/test": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: JobSpec;
    answer: TestCall;
  };
  "GET /jobs/{id}": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Job;
  };
  "PUT /jobs/{id}": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** For admins: the job's secrets may be sent to another origin, although they are not sent anew with the change. */
      keepSecrets?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: JobChange;
    answer: Saved;
  };
  "PATCH /jobs/{id}": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** For admins: the job's secrets may be sent to another origin, although they are not sent anew with the change. */
      keepSecrets?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: JobPatch;
    answer: Saved;
  };
  "DELETE /jobs/{id}": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Deleted;
  };
  "GET /jobs/{id}/executions": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** Only executions with one of these statuses, with commas between them. PENDING and RUNNING are those that have not ended. */
      status?: Array<"PENDING" | "RUNNING" | "SUCCESS" | "FAILED" | "SKIPPED" | "MISSED" | "UNKNOWN">;
      /** The first scheduled instant. Absent: from the oldest on. */
      from?: 0 | number | string;
      /** The scheduled instant to end before. Absent: to the newest. */
      to?: 0 | number | string;
      /** Only executions that were triggered by hand (true), or only those of schedules (false). */
      manual?: boolean;
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Executions;
  };
  "POST /jobs/{id}/pause": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: PauseRequest;
    answer: Saved;
  };
  "POST /jobs/{id}/preview": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** For admins: as of the change itself. */
      keepSecrets?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: JobPatch;
    answer: ChangePreview;
  };
  "POST /jobs/{id}/resume": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Saved;
  };
  "POST /jobs/{id}/test": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** For admins: as of the change itself. */
      keepSecrets?: boolean;
    };
    body: JobPatch;
    answer: TestCall;
  };
  "POST /jobs/{id}/trigger": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: Record<never, never>;
    body: undefined;
    answer: Triggered;
  };
  "GET /jobs/{id}/versions": {
    path: {
      /** The job's id. */
      id: string;
    };
    query: {
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Versions;
  };
  "POST /jobs/{id}/versions/{version}/restore": {
    path: {
      /** The job's id. */
      id: string;
      /** The number of the version. */
      version: number;
    };
    query: {
      /** For admins: the secrets of the version may be sent to its origin, although that is another one than the present. */
      keepSecrets?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Saved;
  };
  "GET /keys": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Keys;
  };
  "POST /keys": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: NewKey;
    answer: CreatedKey;
  };
  "DELETE /keys/{id}": {
    path: {
      /** The key's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: RevokedKey;
  };
  "GET /me": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Me;
  };
  "GET /metrics": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: string;
  };
  "GET /notifications": {
    path: Record<never, never>;
    query: {
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** Only those to a channel. */
      channel?: string;
      /** Only those about a group. */
      groupId?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Notifications;
  };
  "POST /notifications/{id}/resend": {
    path: {
      /** The message's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Notification;
  };
  "GET /observability/alerts": {
    path: Record<never, never>;
    query: {
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** Only alerts of this job. */
      jobId?: string;
      /** true: only alerts of jobs that have not recovered. */
      open?: boolean;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Alerts;
  };
  "GET /observability/executions/failed": {
    path: Record<never, never>;
    query: {
      /** Only executions of this job. */
      jobId?: string;
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Executions;
  };
  "GET /observability/executions/recent": {
    path: Record<never, never>;
    query: {
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Executions;
  };
  "GET /observability/failing": {
    path: Record<never, never>;
    query: {
      /** What failures are added up by. */
      by?: "job" | "host";
      /** The first instant. Absent: 24 hours before to. */
      from?: 0 | number | string;
      /** The instant to end before. Absent: now. */
      to?: 0 | number | string;
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Failing;
  };
  "GET /observability/health": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Health;
  };
  "GET /observability/metrics": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Metrics;
  };
  "GET /observability/series": {
    path: Record<never, never>;
    query: {
      /** The first instant; the point begins with its step. Absent: 60 minutes, 24 hours or 30 days before to. */
      from?: 0 | number | string;
      /** The instant to end before, to the end of its step. Absent: now. At most 1,500 steps after from. */
      to?: 0 | number | string;
      /** How long the time of a point is. */
      step?: "minute" | "hour" | "day";
      /** Only executions of this job. */
      jobId?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Series;
  };
  "GET /openapi-3.0.json": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Record<string, unknown>;
  };
  "GET /openapi.json": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Record<string, unknown>;
  };
  "GET /operations": {
    path: Record<never, never>;
    query: {
      /** How many entries to answer at most. More than 1000 is 1000. */
      limit?: number;
      /** nextCursor of the page before; absent: the first page. */
      cursor?: string;
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Operations;
  };
  "GET /operations/{id}": {
    path: {
      /** The operation's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Operation;
  };
  "POST /operations/{id}/cancel": {
    path: {
      /** The operation's id. */
      id: string;
    };
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: undefined;
    answer: Operation;
  };
  "GET /readyz": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Ready;
  };
  "POST /schedules/preview": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: PreviewRequest;
    answer: Preview;
  };
  "POST /session": {
    path: Record<never, never>;
    query: {
      /** In which form the answer has instants. unix-ms: Unix milliseconds. rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant is then a string of the format date-time. */
      time?: "unix-ms" | "rfc3339";
    };
    body: NewSession;
    answer: Me;
  };
  "DELETE /session": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  "GET /session/oidc": {
    path: Record<never, never>;
    query: {
      /** Where the browser goes in the end: a path of the page. Absent: its overview. */
      to?: string;
      /** Whether the provider is to ask who it is also where it knows (prompt=select_account): after a sign-out, or to come as somebody else. */
      again?: "true" | "false";
    };
    body: undefined;
    answer: undefined;
  };
  "GET /session/oidc/callback": {
    path: Record<never, never>;
    query: {
      /** What the browser was sent with. */
      state?: string;
      /** What the provider takes for who it is, once. */
      code?: string;
      /** Why it has refused. */
      error?: string;
      /** Who has sent the browser back, where the provider says that. */
      iss?: string;
    };
    body: undefined;
    answer: undefined;
  };
  "GET /settings": {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Settings;
  };
}
