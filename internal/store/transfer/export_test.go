package transfer

// Same is how texts are compared.
var Same = same

// EndAt has a copy end with the error that fn returns for a place.
func EndAt(cfg Config, fn func(place string) error) Config {
	cfg.passed = fn
	return cfg
}

// SmallPieces makes pieces of so many rows.
func SmallPieces(rows int) { pieceRows = rows }
