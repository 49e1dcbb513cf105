// Package rows has the form in which jobs and executions are stored, as far as it is the
// same in every database: columns and documents of plain types. A store binds them and reads
// them; what they mean is decided here alone. So is what every database does alike with them: how
// a list of executions is collected ([Scan]), and which steps a schema has ([Migrations]).
//
//	domain.Version ─ Encode ─► Version ─ bind ─► table ─ columns ─► Version ─ Decode ─► domain.Version
//
// # What it must guarantee
//
// What was encoded is decoded as it was. What cannot be decoded is left out and named
// ([domain.Fault]), and the rest of the row is read. No secret leaves Encode unless it is sealed
// ([seal.Box]), and this package is the only way by which secrets go to a table and come
// back. What equals the default is not stored, and [Defaults] never change.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	shared.go version.go operation.go execution.go secret.go plain.go setting.go versioncode.go hosts.go scan.go
//	migration.go
package rows
