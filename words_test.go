package belfry_test

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// givenUp are words that were used as names and had several meanings, or a meaning that
// only their author knew. The glossary in docs/ARCHITECTURE.md has the terms to use.
var givenUp = []struct {
	words    string   // with their inflections; a hyphen joins the parts of one
	why      string   // what was wrong with it
	instead  string   // what is said now, by meaning
	packages []string // where the word is a term of the glossary
}{
	{words: "settle settles settled settling", why: "it had eight meanings",
		instead: "end, record, finish, drain, or the watermark"},
	{words: "let-go", why: "it does not say what is given to whom", instead: "release"},
	{words: "stand stands stood standing", why: "it had four meanings", instead: "wait, be, or a placeholder"},
	{words: "press presses pressed pressing", why: "of a host at its limit: the term is saturated",
		instead: "saturated"},
	{words: "spill spills spilled", why: "of fires that find no room in a queue", instead: "span"},
	{words: "voice heard", why: "a host does not speak", instead: "answer"},
	{words: "breath breathe", why: "a personified pause", instead: "pause, throttle"},
	{words: "lean leans", why: "a budget that does not suffice", instead: "over budget"},
	{words: "patience patient", why: "a personified timeout", instead: "timeout, maximal wait, grace"},
	{words: "last-words", why: "personified", instead: "what it is: counters, alerts"},
	{words: "aside asides", why: "outside of the glossary's 'set aside' it had three meanings", instead: "hint, other",
		packages: []string{
			"internal/store", "internal/store/sqlite", "internal/store/memory", "internal/store/faulty",
			"internal/store/postgres", "internal/store/storetest", "internal/store/transfer", "internal/engine",
			"internal/engine/recovery",
			"internal/audit", "internal/api", "internal/telemetry", "e2e",
		}},
	{words: "tidy tidied tidies", why: "it does not say what is changed", instead: "clean, delete, truncate"},
	{words: "left", why: "it meant what remains, what was skipped, and what went away",
		instead: "remaining, skipped, closed"},
	{words: "forget forgets forgotten forgot", why: "memory is personified", instead: "drop, delete, evict, end"},
	{words: "book books booked", why: "it had two meanings", instead: "reserve, page"},
	{words: "doubt doubts doubtful", why: "a program has none", instead: "uncertain, in flight, stale, ambiguous"},
	{words: "martyr martyrs", why: "a server in a test", instead: "server under torture"},
	{words: "blow blows strike", why: "what a test does to a server", instead: "fault, inject"},
	{words: "siege besiege besieged", why: "many connections at once", instead: "flood, attack"},
	{words: "unwell", why: "personified", instead: "unhealthy"},
	{words: "hurry", why: "personified", instead: "urgent, end waiting"},
	{words: "luck lucky", why: "a random number", instead: "draw, random"},
	{words: "hush", why: "an alert or a fire that is not sent for a while", instead: "silence"},
	{words: "thief parrot strangers", why: "roles in a story", instead: "other host, echo server, unexplained"},
}

// libraryNames are names that an API outside of this module dictates for a
// declaration of ours, such as a method of an interface.
var libraryNames = []string{}

// checkWords refuses identifiers with words that were given up. Names of imported
// packages' members (strings.TrimLeft) are not ours.
func checkWords(s *source) []string {
	imported := map[string]bool{}
	for _, spec := range s.file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if strings.HasPrefix(name, module) {
			continue
		}
		name = name[strings.LastIndexByte(name, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = true
	}
	var faults []string
	seen := map[string]bool{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && imported[x.Name] {
				return false
			}
		case *ast.Ident:
			if word, why := refusedWord(s.pkg, n.Name); word != "" && !seen[n.Name] {
				seen[n.Name] = true
				faults = append(faults, s.at(n)+": "+n.Name+": the word "+word+" was given up ("+why+")")
			}
		}
		return true
	})
	return faults
}

// refusedWord returns the word of a name that a package may not use, and why.
func refusedWord(pkg, name string) (word, why string) {
	if slices.Contains(libraryNames, name) {
		return "", ""
	}
	joined := "-" + strings.Join(splitName(name), "-") + "-"
	for _, g := range givenUp {
		if slices.Contains(g.packages, pkg) {
			continue
		}
		for w := range strings.FieldsSeq(g.words) {
			if strings.Contains(joined, "-"+w+"-") {
				return w, g.why + "; say " + g.instead
			}
		}
	}
	return "", ""
}

// splitName splits an identifier at its capitals, underscores and digits, and
// returns the words in lower case.
func splitName(name string) []string {
	var words []string
	runes, start := []rune(name), 0
	for i, r := range runes {
		switch {
		case r == '_' || unicode.IsDigit(r):
			words, start = append(words, string(runes[start:i])), i+1
		case unicode.IsUpper(r) && i > start &&
			(unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			words, start = append(words, string(runes[start:i])), i
		}
	}
	words = append(words, string(runes[start:]))
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	return words
}

func TestSplitName(t *testing.T) {
	for name, want := range map[string]string{
		"letGo": "let go", "LastWords": "last words", "HTTPServer": "http server", "a_b": "a b", "standard": "standard",
		"TrimLeft2": "trim left", "x": "x", "_": "", "sendHTTP": "send http", "fooBARBaz": "foo bar baz",
		"ÄußersteGrenze": "äußerste grenze",
	} {
		if got := strings.Join(splitName(name), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestGivenUpWords: each word is listed once, and says what to use instead.
func TestGivenUpWords(t *testing.T) {
	listed := map[string]bool{}
	for _, g := range givenUp {
		if g.why == "" || g.instead == "" {
			t.Errorf("%s: the reason and the term to use instead are missing", g.words)
		}
		for w := range strings.FieldsSeq(g.words) {
			if listed[w] {
				t.Errorf("%s is listed twice", w)
			}
			listed[w] = true
			for _, term := range splitName(g.instead) {
				if term == w {
					t.Errorf("%s is to be replaced by itself", w)
				}
			}
		}
	}
}

// checkNamed refuses a comment on a function, type, variable or constant that begins with
// another name, which is usually the name before a rename.
func checkNamed(s *source) []string {
	var faults []string
	check := func(doc *ast.CommentGroup, name *ast.Ident) {
		first, _, _ := strings.Cut(strings.TrimSpace(doc.Text()), " ")
		if isIdentifier(first) && first != name.Name {
			faults = append(faults, s.at(name)+": the comment on "+name.Name+" begins with "+first)
		}
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			check(d.Doc, d.Name)
		case *ast.GenDecl:
			if len(d.Specs) != 1 {
				continue
			}
			switch spec := d.Specs[0].(type) {
			case *ast.TypeSpec:
				check(d.Doc, spec.Name)
			case *ast.ValueSpec:
				if len(spec.Names) == 1 {
					check(d.Doc, spec.Names[0])
				}
			}
		}
	}
	return faults
}

// isIdentifier reports whether a word can only be an identifier: it has a capital
// behind a small letter, and is no proper name of several capitals.
func isIdentifier(word string) bool {
	if word == "" || !unicode.IsLower(rune(word[0])) {
		return false
	}
	return len(splitName(word)) > 1 && !strings.ContainsAny(word, "-.,:/'()\"`")
}
