package domain

// AlertSettingKind is what a stored setting about alerts is.
type AlertSettingKind string

// The kinds.
const (
	SettingChannel AlertSettingKind = "CHANNEL" // where people are told: a [Channel]
	SettingRule    AlertSettingKind = "RULE"    // of what, and when: an [AlertRule]
	SettingSilence AlertSettingKind = "SILENCE" // of what they are not told for a while: a [Silence]
	SettingWindow  AlertSettingKind = "WINDOW"  // the same, by a schedule
)

// AlertSettingKinds are all of them.
var AlertSettingKinds = []AlertSettingKind{SettingChannel, SettingRule, SettingSilence, SettingWindow}

// Limits of what is configured about alerts. All settings of a kind are read as a whole and asked for each alert, so
// that there are few of them.
const (
	MaxChannels   = 200
	MaxAlertRules = 500
	MaxSilences   = 1_000
	MaxWindows    = 500

	// MaxSettingBody is more than a matcher of [MaxMatcherJobs] ids takes; all settings together have 140 MB at most.
	MaxSettingBody = 64 << 10
	// MaxSettingSecrets is less than what can be sealed as one value.
	MaxSettingSecrets = 16 << 10
)

// Max returns how many settings of the kind there may be; zero: the kind is not known.
func (k AlertSettingKind) Max() int {
	switch k {
	case SettingChannel:
		return MaxChannels
	case SettingRule:
		return MaxAlertRules
	case SettingSilence:
		return MaxSilences
	case SettingWindow:
		return MaxWindows
	}
	return 0
}

// AlertSetting is what is configured about alerts, as it is stored: a channel, a rule, a silence or a window.
type AlertSetting struct {
	Kind     AlertSettingKind
	ID       string // as [ValidAlertID] says
	Revision int64  // no other setting of the database ever has the same; zero: it is not stored
	Body     []byte // JSON without secrets
	Secrets  []byte // in plain here, sealed where they are stored; nil: there are none
	Unread   string // why the secrets that are stored cannot be read; empty: they can
}

// Size returns about how many bytes the setting takes in memory.
func (s *AlertSetting) Size() int { return sizeOfChange + len(s.Body) + len(s.Secrets) }
