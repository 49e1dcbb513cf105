package reference

import (
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// Operations returns the operations of a path in the order in which people think
// of methods.
func Operations(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Post, item.Get, item.Put, item.Patch, item.Delete}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}
