package api

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
)

// outcomeNames are the outcomes of items, as the answer has them.
var outcomeNames = [...]string{
	edit.Made: "created", edit.Changed: "updated", edit.Unchanged: "unchanged", edit.Skipped: "skipped",
}

// maxErrorBytes bounds what is kept of refusals and warnings.
const maxErrorBytes = 4 << 20

const outcomeRefused = "refused"

// importReport holds what became of each item, in little space.
type importReport struct {
	jobs     []domain.JobID // by index; zero: refused
	outcomes []edit.Outcome // by index
	ended    []bool         // by index: it says a pause that is over
	errors   map[int]json.RawMessage
	warnings map[int]json.RawMessage
	bytes    int // of errors and warnings
	counts   [len(outcomeNames)]int
	short    bool // results has the refused items only
	text     bool // instants that errors repeat are text
}

func (r *importReport) add() int {
	r.jobs, r.outcomes = append(r.jobs, domain.JobID{}), append(r.outcomes, edit.Made)
	r.ended = append(r.ended, false)
	return len(r.jobs) - 1
}

// accept takes the warnings as a JSON array; nil: none.
func (r *importReport) accept(index int, id domain.JobID, outcome edit.Outcome, warnings json.RawMessage) {
	r.jobs[index], r.outcomes[index] = id, outcome
	r.counts[outcome]++
	if r.ended[index] && outcome != edit.Skipped {
		warnings = endedPause(warnings)
	}
	if warnings == nil || r.bytes >= maxErrorBytes {
		return
	}
	if r.warnings == nil {
		r.warnings = map[int]json.RawMessage{}
	}
	r.warnings[index] = warnings
	r.bytes += len(warnings)
}

// onlyEndedPause is what most items have that say a pause which is over.
var onlyEndedPause = json.RawMessage(`["` + pauseIsOver + `"]`)

// endedPause adds a warning to others, a JSON array or nil.
func endedPause(warnings json.RawMessage) json.RawMessage {
	if warnings == nil {
		return onlyEndedPause
	}
	var all []string
	_ = json.Unmarshal(warnings, &all) // it was made of texts
	more, _ := json.Marshal(append(all, pauseIsOver))
	return more
}

// omittedError replaces the details that were not kept.
var omittedError = json.RawMessage(`{"title":"Refused; details are omitted after so many","status":422}`)

func (r *importReport) refuse(index int, p *Problem) {
	if r.bytes >= maxErrorBytes {
		return
	}
	if r.text {
		p = p.withText()
	}
	text, err := json.Marshal(itemErrorOf(p))
	if err != nil {
		return // write says omittedError
	}
	if r.errors == nil {
		r.errors = map[int]json.RawMessage{}
	}
	r.errors[index] = text
	r.bytes += len(text)
}

// write answers. An error of the writer means that the client is gone.
func (r *importReport) write(w http.ResponseWriter) {
	out := bufio.NewWriterSize(w, 32<<10)
	defer func() { _ = out.Flush() }()
	_, _ = out.WriteString(`{"results":[`)
	separator := ""
	for i, id := range r.jobs {
		if i%edit.ChunkDocs == 0 {
			extendDeadlines(w)
		}
		if r.short && !id.IsZero() {
			continue
		}
		_, _ = out.WriteString(separator)
		separator = ","
		if r.writeResult(out, i) != nil {
			return
		}
	}
	refused := len(r.jobs)
	for _, n := range r.counts {
		refused -= n
	}
	_, _ = out.WriteString(`],"imported":` + strconv.Itoa(r.counts[edit.Made]) +
		`,"refused":` + strconv.Itoa(refused) +
		`,"updated":` + strconv.Itoa(r.counts[edit.Changed]) +
		`,"unchanged":` + strconv.Itoa(r.counts[edit.Unchanged]) +
		`,"skipped":` + strconv.Itoa(r.counts[edit.Skipped]) + "}\n")
}

// writeResult writes what became of one item.
func (r *importReport) writeResult(out *bufio.Writer, i int) error {
	_, _ = out.WriteString(`{"index":` + strconv.Itoa(i))
	if id := r.jobs[i]; id.IsZero() {
		text, ok := r.errors[i]
		if !ok {
			text = omittedError
		}
		_, _ = out.WriteString(`,"outcome":"` + outcomeRefused + `","error":`)
		_, _ = out.Write(text)
	} else {
		_, _ = out.WriteString(`,"outcome":"` + outcomeNames[r.outcomes[i]] + `","jobId":"` + id.String() + `"`)
		if text, ok := r.warnings[i]; ok {
			_, _ = out.WriteString(`,"warnings":`)
			_, _ = out.Write(text)
		}
	}
	return out.WriteByte('}')
}
