package domain

// Guarantee is the delivery guarantee of a job's fires.
type Guarantee string

// The values of a job's type.
const (
	AtLeastOnce Guarantee = "ATLEAST_ONCE" // never lost; a crash may send it again, with the same id
	AtMostOnce  Guarantee = "ATMOST_ONCE"  // never sent twice; a crash may leave the outcome UNKNOWN
)

// OverlapPolicy says what happens to a fire that comes due while the previous execution
// of its job is still running.
type OverlapPolicy string

// The overlap policies.
const (
	OverlapAllow OverlapPolicy = "ALLOW" // send it beside the other one
	OverlapSkip  OverlapPolicy = "SKIP"  // record it as SKIPPED
	OverlapQueue OverlapPolicy = "QUEUE" // send it when the other one has ended, in order
)

// MisfirePolicy says what happens to fires whose instant passed while they could not be
// sent.
type MisfirePolicy string

// The misfire policies.
const (
	MisfireRunAll    MisfirePolicy = "RUN_ALL"    // send all, oldest first, within MaxAgeMs and MaxRuns
	MisfireRunLatest MisfirePolicy = "RUN_LATEST" // send the latest, record the rest as MISSED
	MisfireSkip      MisfirePolicy = "SKIP"       // record all as MISSED
)

// Backoff says how the delay before a retry grows.
type Backoff string

// The backoffs. With n the number of the retry, counted from 1:
const (
	BackoffFixed       Backoff = "FIXED"       // delay
	BackoffLinear      Backoff = "LINEAR"      // delay * n: with the defaults 1 s, 2 s, 3 s
	BackoffExponential Backoff = "EXPONENTIAL" // delay * 2^(n-1)
)

// Retry is a job's retry policy.
type Retry struct {
	MaxRetries int     `json:"maxRetries"`
	DelayMs    int64   `json:"delayMs"`
	Backoff    Backoff `json:"backoff"`
	MaxDelayMs int64   `json:"maxDelayMs"`
}

// Misfire is a job's misfire policy.
type Misfire struct {
	Policy   MisfirePolicy `json:"policy"`
	MaxAgeMs int64         `json:"maxAgeMs"` // older fires are not sent any more
	// RUN_ALL sends at most this many of one gap, the latest ones; bounds a backlog too
	MaxRuns int `json:"maxRuns"`
}

// Defaults and limits of the policies, in the units of their fields.
const (
	DefaultMaxRetries      = 3
	DefaultRetryDelayMs    = 1_000
	DefaultRetryMaxDelayMs = 60 * 60_000 // an hour
	DefaultMisfireMaxAgeMs = 24 * 60 * 60_000
	DefaultMisfireMaxRuns  = 1_000
	DefaultTimeoutMs       = 30_000

	MaxRetriesLimit      = 100
	MaxRetryDelayMs      = 7 * 24 * 60 * 60_000
	MaxMisfireAgeMs      = 30 * 24 * 60 * 60_000
	MaxMisfireRuns       = 1_000_000
	MaxTimeoutMs         = 60 * 60_000
	MaxJitterMs          = 24 * 60 * 60_000
	maxExponentialDouble = 40 // 2^40 ms is beyond every delay limit
)

// DefaultRetry is the retry policy of the API contract: 3 retries after 1 s,
// 2 s and 3 s.
func DefaultRetry() Retry {
	return Retry{DefaultMaxRetries, DefaultRetryDelayMs, BackoffLinear, DefaultRetryMaxDelayMs}
}

// DefaultMisfire is RUN_ALL within 24 h and at most 1,000 runs.
func DefaultMisfire() Misfire {
	return Misfire{MisfireRunAll, DefaultMisfireMaxAgeMs, DefaultMisfireMaxRuns}
}

// Delay returns how long to wait before retry number n (counted from 1), in
// milliseconds, after a failure whose response asked for retryAfterMs (zero:
// it asked for nothing). A Retry-After longer than the policy's own delay is
// honoured up to MaxDelayMs.
func (r Retry) Delay(n int, retryAfterMs int64) int64 {
	d := r.DelayMs
	switch r.Backoff {
	case BackoffLinear:
		d *= int64(n)
	case BackoffExponential:
		d <<= min(n-1, maxExponentialDouble)
		if d < r.DelayMs { // shifted out
			d = r.MaxDelayMs
		}
	case BackoffFixed:
	}
	return min(max(d, retryAfterMs), r.MaxDelayMs)
}

func (s *Spec) checkPolicies(fe *fieldErrors) {
	r := s.Retry
	fe.within(int64(r.MaxRetries), 0, MaxRetriesLimit, "retry.maxRetries", "")
	fe.within(r.DelayMs, 0, MaxRetryDelayMs, "retry.delayMs", "")
	fe.within(r.MaxDelayMs, 0, MaxRetryDelayMs, "retry.maxDelayMs", "")
	s.checkPolicyNames(fe)
	m := s.Misfire
	fe.within(m.MaxAgeMs, 1, MaxMisfireAgeMs, "misfire.maxAgeMs", "")
	fe.within(int64(m.MaxRuns), 1, MaxMisfireRuns, "misfire.maxRuns", "")
}

// checkPolicyNames checks the policies that are chosen by name.
func (s *Spec) checkPolicyNames(fe *fieldErrors) {
	fe.choice("retry.backoff", "must be FIXED, LINEAR or EXPONENTIAL", string(s.Retry.Backoff),
		string(BackoffFixed), string(BackoffLinear), string(BackoffExponential))
	fe.choice("overlap", "must be ALLOW, SKIP or QUEUE", string(s.Overlap),
		string(OverlapAllow), string(OverlapSkip), string(OverlapQueue))
	fe.choice("misfire.policy", "must be RUN_ALL, RUN_LATEST or SKIP", string(s.Misfire.Policy),
		string(MisfireRunAll), string(MisfireRunLatest), string(MisfireSkip))
}
