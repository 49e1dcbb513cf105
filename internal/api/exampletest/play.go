package exampletest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
)

// Request is what is sent for an example.
type Request struct {
	Method, Target, ContentType string
	Headers                     map[string]string
	Body                        string
}

// Answer is what came back.
type Answer struct {
	Status            int
	ContentType, Body string
}

// Player plays examples one after the other.
type Player struct {
	Send  func(Request) (Answer, error)
	Tries int // how often a GET is sent at most until its answer is as it should be

	ids map[string]string // by those of the examples
}

// every is the pause before a GET is sent again.
const every = 20 * time.Millisecond

// Play sends the request of an example. It returns the answer as an example has it, and how it differs from the one
// that is shown: not at all, if that is empty.
func (p *Player) Play(e *reference.Example) (answer json.RawMessage, differences []string, err error) {
	method, target, ok := strings.Cut(e.Request, " ")
	if !ok {
		return nil, nil, fmt.Errorf("%s: %q is not METHOD /path", e.Operation, e.Request)
	}
	body := string(e.Body)
	if ct := e.ContentType(); ct != "" && !strings.HasSuffix(ct, "json") || strings.HasSuffix(ct, "ndjson") {
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return nil, nil, fmt.Errorf("%s: the body must be a JSON string: %w", e.Operation, err)
		}
	}
	headers := map[string]string{}
	for name, value := range e.Headers {
		headers[name] = p.followed(value)
	}
	request := Request{method, p.followed(target), e.ContentType(), headers, p.followed(body)}
	for try := 1; ; try++ {
		got, err := p.Send(request)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", e.Request, err)
		}
		answer = asJSON(got)
		if got.Status != e.Status {
			differences = []string{fmt.Sprintf("status %d, not %d: %.400s", got.Status, e.Status, got.Body)}
		} else {
			differences = compare("", decoded(e.Answer), decoded(answer), e.Part)
		}
		if len(differences) == 0 || method != "GET" || try >= p.Tries {
			p.learn("", decoded(e.Answer), decoded(answer))
			return answer, differences, nil
		}
		time.Sleep(every)
	}
}

// asJSON returns an answer as an example has it.
func asJSON(a Answer) json.RawMessage {
	if a.Body == "" {
		return nil
	}
	ct, _, _ := strings.Cut(a.ContentType, ";")
	if strings.HasSuffix(ct, "json") && !strings.HasSuffix(ct, "ndjson") && json.Valid([]byte(a.Body)) {
		return json.RawMessage(a.Body)
	}
	text, err := json.Marshal(a.Body)
	if err != nil {
		return nil
	}
	return text
}

func decoded(text json.RawMessage) any {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return nil
	}
	return v
}

// followed puts the server's ids into a text in the place of those of the examples.
func (p *Player) followed(text string) string {
	for _, shown := range slices.Sorted(maps.Keys(p.ids)) {
		text = strings.ReplaceAll(text, shown, p.ids[shown])
	}
	return text
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// learn notes which id of the server is which of the examples.
func (p *Player) learn(name string, shown, got any) {
	switch s := shown.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for member, value := range s {
			p.learn(member, value, g[member])
		}
	case []any:
		g, _ := got.([]any)
		for i := range s[:min(len(s), len(g))] {
			p.learn(name, s[i], g[i])
		}
	case string:
		g, is := got.(string)
		if !is || s == g || name != "id" && !uuidForm.MatchString(s) && !strings.HasPrefix(s, "bel_") {
			return
		}
		if p.ids == nil {
			p.ids = map[string]string{}
		}
		if _, known := p.ids[s]; !known {
			p.ids[s] = g
		}
	}
}

// compare says how the shape of an answer differs from that of the example.
func compare(at string, shown, got any, part bool) []string {
	if typeOf(shown) != typeOf(got) {
		return []string{fmt.Sprintf("%s is %s, not %s", at, typeOf(got), typeOf(shown))}
	}
	var differences []string
	switch s := shown.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(s)) {
			if value, there := g[name]; there {
				differences = append(differences, compare(at+"."+name, s[name], value, part)...)
			} else {
				differences = append(differences, fmt.Sprintf("%s.%s is not there", at, name))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(g)) {
			if _, there := s[name]; !there && !part {
				differences = append(differences, fmt.Sprintf("%s.%s is not in the example", at, name))
			}
		}
	case []any:
		g, _ := got.([]any)
		if len(s) > 0 && len(g) == 0 {
			return []string{at + " is empty"}
		}
		if len(s) > 0 {
			return compare(at+"[0]", s[0], g[0], part)
		}
	}
	return differences
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	}
	return "an object"
}

// shownLines is how much of a long text is shown.
const shownLines = 3

// Shown returns an answer as it is to be shown: with the ids of the examples, and of a part no more than was shown.
func (p *Player) Shown(e *reference.Example, answer json.RawMessage) json.RawMessage {
	text := string(answer)
	for _, id := range slices.Sorted(maps.Keys(p.ids)) {
		text = strings.ReplaceAll(text, p.ids[id], id)
	}
	var whole string
	if e.Part && json.Unmarshal([]byte(text), &whole) == nil {
		lines := strings.SplitAfterN(whole, "\n", shownLines+1)
		cut, err := json.Marshal(strings.Join(lines[:min(len(lines), shownLines)], ""))
		if err == nil {
			return cut
		}
	}
	return json.RawMessage(text)
}
