package alert

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// TemplateData is what the templates of a channel may use. Fields are added, and keep their meaning. Each text is
// plain, in one line but for Text, and as long as a message may be. What is special in the format of a kind of channels
// is escaped in what the templates have made.
type TemplateData struct {
	Type   string // alert.opened, alert.updated, alert.recovered, alert.digest or alert.test
	Title  string // the usual title
	Text   string // the usual text
	Link   string // to the page about alerts; empty: there is none
	At     string // when the message was made
	Level  string // INFO, WARNING or CRITICAL: the worst of the groups
	Over   bool   // all groups are over
	Group  TemplateGroup
	Groups []TemplateGroup // Group is the first of them; a digest has several, a test none
}

// TemplateGroup is a group in [TemplateData].
type TemplateGroup struct {
	ID        string
	Rule      string
	Level     string
	State     string // OPEN, ACKNOWLEDGED, FLAPPING or RECOVERED
	GroupBy   string // HOST, NAMESPACE or JOB
	Key       string // the host, namespace or job
	What      string // job charge; or payments.example.com:443, 2,800 jobs
	Jobs      int    // that fail now
	AllJobs   int    // that have failed since it began
	Failures  int64
	Since     string // 2026-03-10 12:00:00 UTC
	Last      string // the latest failure
	Recovered string // empty: it is not over
	Samples   []TemplateSample
}

// TemplateSample is a job in [TemplateGroup].
type TemplateSample struct {
	JobID, Name, Namespace, Target, ExecutionID string
	HTTPStatus                                  int
	Error                                       string
	Count                                       int64  // failures in a row
	Last                                        string // the latest failure
}

// dataOf returns what a template may use of a message.
func dataOf(m *Message) *TemplateData {
	content := usual(m)
	d := &TemplateData{
		Type: string(m.Type), Title: content.Title, Text: content.Text, Link: m.Link, At: instant(m.At),
		Level: string(m.Level()),
		Over:  m.Over(),
	}
	for i := range m.Groups {
		g := &m.Groups[i]
		out := TemplateGroup{
			ID: g.ID.String(), Rule: g.Rule, Level: string(g.Level), State: string(g.State), GroupBy: string(g.By),
			Key: OneLine(g.Key), What: OneLine(subject(g)), Jobs: g.Counts.Jobs, AllJobs: g.Counts.AllJobs,
			Failures: g.Counts.Failures, Since: instant(g.FirstAt), Last: instant(g.LastAt),
		}
		if g.RecoveredAt != 0 {
			out.Recovered = instant(g.RecoveredAt)
		}
		for j := range g.Samples {
			s := &g.Samples[j]
			out.Samples = append(out.Samples, TemplateSample{
				JobID: s.JobID.String(), Name: OneLine(s.Name), Namespace: s.Namespace, Target: OneLine(s.Target),
				ExecutionID: s.Execution.String(), HTTPStatus: s.HTTPStatus, Error: OneLine(clip(s.Error)),
				Count: s.Count, Last: instant(s.LastAt),
			})
		}
		d.Groups = append(d.Groups, out)
	}
	if len(d.Groups) > 0 {
		d.Group = d.Groups[0]
	}
	return d
}

// Render makes the content of a message by templates. The error is a CodeInvalid one that names the template.
func Render(t domain.ChannelTemplates, m *Message) (Content, error) {
	c := usual(m)
	for _, part := range []struct {
		field, text string
		into        *string
		most        int
		clean       func(string) string
	}{
		{"templates.title", t.Title, &c.Title, maxTitle, OneLine}, {"templates.text", t.Text, &c.Text, maxText, Plain},
	} {
		if part.text == "" {
			continue
		}
		made, err := execute(part.text, dataOf(m), part.most)
		if made = part.clean(made); err == nil && made == "" {
			err = errors.New("makes an empty text of a message of the type " + string(m.Type))
		}
		if err != nil {
			return c, domain.InvalidAs(domain.FieldFormat, part.field, err.Error(), nil)
		}
		*part.into = made
	}
	return c, nil
}

// CheckTemplates tries templates with messages of all types. The error is a CodeInvalid one.
func CheckTemplates(t domain.ChannelTemplates) error {
	for _, kind := range sampleTypes {
		if _, err := Render(t, SampleMessage(kind, "https://belfry.example.com/ui/alerts")); err != nil {
			return err
		}
	}
	return nil
}

// ContentOf makes the content of a message for a channel. A message that its templates cannot make is the usual one,
// and says so: people are told in any case.
func ContentOf(t domain.ChannelTemplates, m *Message) Content {
	c, err := Render(t, m)
	if err != nil {
		c = usual(m)
		c.Text += "\n\nThe templates of this channel were not used: " + OneLine(err.Error())
	}
	return c
}

const (
	// maxSteps bounds the iterations of a template. A digest has at most 200 groups of five samples each.
	maxSteps = 5_000
	// maxWork bounds what a template does: an iteration costs a unit for each bytesOfStep bytes of what it repeats,
	// and a function one for each bytesOfUnit bytes of its text. That is some 0.2 s of a processor at most.
	maxWork     = 1_000_000
	bytesOfStep = 8
	bytesOfUnit = 64

	stepFunction = "step"
)

// templateFunctions are those that a template may use: none makes a text that is longer than what it is given, so
// that memory is bounded by the length of the template and by what it writes.
var templateFunctions = map[string]bool{
	"and": true, "or": true, "not": true, "eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true,
	"len": true, "index": true, "slice": true, // these are of the language
	"upper": true, "lower": true, "truncate": true,
}

// work counts what a template does.
type work struct{ steps, units int }

// step counts an iteration.
func (w *work) step(units int) (string, error) {
	if w.steps++; w.steps > maxSteps {
		return "", fmt.Errorf("has more than %d iterations", maxSteps)
	}
	return "", w.spend(units)
}

func (w *work) spend(units int) error {
	if w.units += units; w.units > maxWork {
		return errors.New("does too much: fewer iterations, or fewer long texts in them")
	}
	return nil
}

// functions are those of a template that are not of the language.
func (w *work) functions() template.FuncMap {
	counted := func(f func(string) string) func(string) (string, error) {
		return func(text string) (string, error) {
			if err := w.spend(1 + len(text)/bytesOfUnit); err != nil {
				return "", err
			}
			return f(text), nil
		}
	}
	return template.FuncMap{
		stepFunction: w.step, "upper": counted(strings.ToUpper), "lower": counted(strings.ToLower),
		"truncate": func(most int, text string) (string, error) {
			return counted(func(text string) string { return clipRunes(text, max(0, most)) })(text)
		},
	}
}

// execute runs a template, whose output is at most so many bytes.
func execute(text string, data *TemplateData, most int) (string, error) {
	if len(text) > domain.MaxChannelTemplate { // stored by another build
		return "", fmt.Errorf("has more than %d bytes", domain.MaxChannelTemplate)
	}
	t, err := template.New("template").Option("missingkey=error").Funcs(new(work).functions()).Parse(text)
	if err != nil {
		return "", err
	}
	if len(t.Templates()) > 1 {
		return "", errors.New("must not define templates: they could call each other endlessly")
	}
	if t.Tree == nil || t.Root == nil {
		return "", nil
	}
	if err := bound(t.Root); err != nil {
		return "", err
	}
	out := &boundedText{most: most}
	err = t.Funcs(new(work).functions()).Execute(out, data)
	return out.text.String(), err
}

// stepNode returns the node of a call of the function that counts iterations of a list.
func stepNode(of *parse.ListNode) parse.Node {
	call := fmt.Sprintf("{{%s %d}}", stepFunction, 1+len(of.String())/bytesOfStep)
	t := template.Must(template.New("step").Funcs(new(work).functions()).Parse(call))
	return t.Root.Nodes[0]
}

// bound refuses what could run without limit, and makes each iteration of a range count.
func bound(n parse.Node) error {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		return boundAll(n.Nodes)
	case *parse.ActionNode:
		return bound(n.Pipe)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			if err := boundAll(c.Args); err != nil {
				return err
			}
		}
	case *parse.ChainNode:
		return bound(n.Node)
	case *parse.IfNode:
		return boundAll([]parse.Node{n.Pipe, n.List, n.ElseList})
	case *parse.WithNode:
		return boundAll([]parse.Node{n.Pipe, n.List, n.ElseList})
	case *parse.RangeNode:
		step := stepNode(n.List)
		err := boundAll([]parse.Node{n.Pipe, n.List, n.ElseList})
		n.List.Nodes = append([]parse.Node{step}, n.List.Nodes...)
		return err
	case *parse.TemplateNode:
		return errors.New("must not call templates")
	case *parse.IdentifierNode:
		if !templateFunctions[n.Ident] {
			return fmt.Errorf("must not use the function %s", n.Ident)
		}
	}
	return nil
}

func boundAll(nodes []parse.Node) error {
	for _, n := range nodes {
		if err := bound(n); err != nil {
			return err
		}
	}
	return nil
}

// boundedText is a text that a template writes.
type boundedText struct {
	text strings.Builder
	most int
}

// Write implements io.Writer.
func (b *boundedText) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > b.most {
		return 0, fmt.Errorf("makes more than %d bytes", b.most)
	}
	return b.text.Write(p)
}
