package transfer

import "time"

// Same is how texts are compared.
var Same = same

// EndAt has a copy end with the error that fn returns for a place.
func EndAt(cfg Config, fn func(place string) error) Config {
	cfg.passed = fn
	return cfg
}

// Small makes pieces of so many rows, and has owners be gone after so long.
func Small(rows int, gone time.Duration) { pieceRows, goneAfter = rows, gone }
