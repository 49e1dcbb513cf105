package faulty_test

// hasValue says which methods return what a store knows.
var hasValue = map[string]bool{
	"Jobs.Get": true, "Jobs.List": true, "Jobs.Versions": true, "Jobs.Count": true, "Jobs.Pauses": true,
	"History.Execution": true, "History.ByJob": true, "History.List": true, "History.Last": true,
	"History.Totals": true, "History.Expire": true, "Shards.Claim": true, "Shards.Beat": true,
	"Shards.Peek": true, "Alerts.List": true, "Alerts.MostFailures": true, "Alerts.AddLost": true,
	"History.Kept": true, "Ledger.Asides": true, "Shards.ZoneRules": true, "Keys.List": true,
	"Keys.EndedSessions": true, "Changes.List": true, "Edits.Create": true, "Edits.Update": true,
	"Edits.Delete": true, "Nodes.Seen": true, "Nodes.Protocol": true, "Ledger.RunsOf": true,
}
