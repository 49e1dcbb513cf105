package config

import "github.com/spf13/pflag"

// rawFlag keeps the text of a flag. It does not validate the text, so that a wrong flag
// is reported together with all other errors.
type rawFlag struct {
	text string
	kind string
}

func (f *rawFlag) String() string     { return f.text }
func (f *rawFlag) Set(s string) error { f.text = s; return nil }
func (f *rawFlag) Type() string       { return f.kind }

// RegisterFlags adds a flag for every setting that has one. After parsing, pass the set
// to [Load].
func RegisterFlags(fs *pflag.FlagSet) {
	for _, s := range settings {
		if s.Flag == "" {
			continue
		}
		usage := s.Usage
		if s.Env != "" {
			usage += " [" + s.Env + "]"
		}
		f := fs.VarPF(&rawFlag{s.Default, s.Kind}, s.Flag, "", usage)
		if s.Kind == kindBool {
			f.NoOptDefVal = "true"
		}
	}
}
