package telemetry

// The keys of log attributes. A line that speaks of one of these things uses
// the key from here, so that one search finds all lines about it.
const (
	KeyError       = "error"
	KeyJobID       = "job_id"
	KeyExecutionID = "execution_id"
	KeyScheduledAt = "scheduled_at" // Unix milliseconds
	KeyStatus      = "status"
	KeyHTTPStatus  = "http_status"
	KeyAttempt     = "attempt"
	KeyURL         = "url"
	KeyHost        = "host"
	KeyCount       = "count"
	KeyDuration    = "duration"
	KeyDrift       = "drift"
	KeyHorizon     = "horizon"   // Unix milliseconds
	KeyWatermark   = "watermark" // Unix milliseconds
	KeyEpoch       = "epoch"
	KeyMethod      = "method"
	KeyRoute       = "route"
	KeyRequestID   = "request_id" // of the API; NameRequests adds it
	KeyInstance    = "instance"   // of a problem document
	KeyAddr        = "addr"
	KeyPath        = "path"
	KeyNode        = "node"
	KeySQL         = "sql"
	KeyVersion     = "version"
	KeyStack       = "stack"
	KeyReason      = "reason"
)
