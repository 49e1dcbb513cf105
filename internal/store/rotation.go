package store

// Rotation says what sealing every secret of a database with a new key has done.
type Rotation struct {
	KeyID    string   // seals from now on
	Versions int      // versions of jobs whose secrets were sealed anew
	Settings int      // channels of alerts, likewise
	Retired  []string // keys that are not needed any more
	KeyFile  string   // where the key is; empty: in the configuration
	Unread   int      // versions and channels whose secrets cannot be read: they stay, and so do the old keys
}
