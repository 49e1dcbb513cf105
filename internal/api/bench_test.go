package api

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// BenchmarkParseItem reads one document of an import.
func BenchmarkParseItem(b *testing.B) {
	line := []byte(`{"schedule":"0 0 0 1 1 *","api":"http://127.0.0.1:4444/ok?customer=17&job=4711",` +
		`"type":"ATLEAST_ONCE"}`)
	base := domain.NewSpecDoc()
	b.ReportAllocs()
	for b.Loop() {
		item, doc := wire.Item{Text: line}, base
		if err := item.Read(&doc); err != nil {
			b.Fatal(err)
		}
	}
}
