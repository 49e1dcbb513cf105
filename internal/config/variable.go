package config

// Variables that are not settings of the server.
const (
	// FileVariable names the config file when no flag does.
	FileVariable = "BELFRY_CONFIG"
	// ServerVariable is the URL of the server that client commands use.
	ServerVariable = "BELFRY_SERVER"
	// KeyVariable is the API key that client commands send.
	KeyVariable = "BELFRY_API_KEY"
	// CertificateVariable is a setting of the server that client commands on the same
	// machine use too.
	CertificateVariable = "BELFRY_TLS_CERT"

	prefix      = "BELFRY_"
	nodeEnv     = "NODE_ENV"
	maxFileSize = 64 << 10
)
