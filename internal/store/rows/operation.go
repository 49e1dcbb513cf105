package rows

import "github.com/belfry-scheduler/belfry/internal/domain"

// ActionArgs is what the action of an operation is given, as its column "tags" has it.
type ActionArgs struct {
	domain.TagChange

	Pause *domain.Pause `json:"pause,omitempty"`
}

// ArgsOf returns what the action of an operation is given.
func ArgsOf(o *domain.Operation) ActionArgs {
	return ActionArgs{o.Tags, differing(o.Pause, domain.Pause{})}
}

// Set gives it to an operation.
func (a *ActionArgs) Set(o *domain.Operation) {
	o.Tags = a.TagChange
	orDefault(&o.Pause, a.Pause)
}
