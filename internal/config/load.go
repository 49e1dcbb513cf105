package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/joho/godotenv"
	"github.com/spf13/pflag"
)

// Options say where [Load] looks.
type Options struct {
	File      string         // a YAML file; empty: the one that BELFRY_CONFIG names, if any
	DotEnvDir string         // folder of a .env file, which need not exist; empty: not looked for
	Environ   []string       // as of os.Environ
	Flags     *pflag.FlagSet // of [RegisterFlags], parsed; may be nil
}

// Load reads all sources and returns the resulting config, or [Errors] with every error
// in them.
func Load(o Options) (*Config, error) {
	l := newLoader()
	environ := Source{Kind: FromEnvironment}
	vars := variablesOf(o.Environ)
	dotSource, dot := l.dotEnv(o.DotEnvDir)
	if o.File == "" {
		o.File = cmp.Or(vars[FileVariable], dot[FileVariable])
	}
	l.file(o.File)
	l.variables(dotSource, dot)
	l.variables(environ, vars)
	l.flags(o.Flags)
	l.finish()
	if len(l.faults) > 0 {
		slices.SortStableFunc(l.faults, func(a, b Fault) int { return cmp.Compare(a.Source.Kind, b.Source.Kind) })
		return nil, l.faults
	}
	return l.config, nil
}

// variablesOf returns the variables of an environment by name. If a name occurs several
// times, the last one wins.
func variablesOf(environ []string) map[string]string {
	vars := make(map[string]string, len(environ))
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			vars[name] = value
		}
	}
	return vars
}

// loader applies one source after the other and collects the errors.
type loader struct {
	config *Config
	faults Errors
}

// newLoader returns a loader with the defaults.
func newLoader() loader {
	l := loader{config: &Config{sources: map[string]Source{}}}
	for _, s := range settings {
		if s.Default != "" {
			s.set(l.config, s.Default)
		}
	}
	return l
}

func (l *loader) fault(src Source, value, message string) {
	l.faults = append(l.faults, Fault{src, value, message})
}

// set assigns a raw value from a source to a setting.
func (l *loader) set(s *Setting, src Source, raw any) {
	value, ok := scalar(s, raw)
	if !ok {
		l.fault(src, "", "must be a single value")
		return
	}
	l.config.sources[s.Key] = src
	if msg := s.set(l.config, value); msg != "" {
		shown := show(value)
		if s.Kind == kindSecrets {
			shown = ""
		}
		l.fault(src, shown, msg)
	}
}

// scalar returns the text of a value. Only settings that are lists may have a list.
func scalar(s *Setting, raw any) (string, bool) {
	switch v := raw.(type) {
	case map[string]any:
		if s.Kind != kindCertificates {
			return "", false
		}
		doc, err := json.Marshal(v)
		return string(doc), err == nil
	case []any:
		if s.Kind != kindSecrets && s.Kind != kindRules && s.Kind != kindNames {
			return "", false
		}
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = text(item)
		}
		return strings.Join(parts, ","), true
	}
	return text(raw), true
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// file applies the settings of the YAML file. A key without a value counts as not set.
func (l *loader) file(path string) {
	if path == "" {
		return
	}
	src := Source{Kind: FromFile, File: path}
	data, err := readFile(path)
	if err != nil {
		l.fault(src, "", "cannot be read: "+reason(err))
		return
	}
	values, fault := parseDocument(data)
	if fault != "" {
		l.fault(src, "", fault)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		src.Name = name
		s := settingOf(name)
		switch {
		case s == nil:
			l.fault(src, "", "is not a setting"+suggest(name, fileKeys()))
		case s.Once:
			l.fault(src, "", "can only be the flag --"+s.Flag+": it acts once")
		case values[name] != nil:
			l.set(s, src, values[name])
		}
	}
}

// settingOf returns the setting with the key, or nil.
func settingOf(key string) *Setting {
	for i := range settings {
		if settings[i].Key == key {
			return &settings[i]
		}
	}
	return nil
}

func fileKeys() []string {
	var keys []string
	for _, s := range settings {
		if !s.Once {
			keys = append(keys, s.Key)
		}
	}
	return keys
}

// dotEnv reads DIR/.env. A folder of that name is not ours: Python keeps
// environments in one.
func (l *loader) dotEnv(dir string) (Source, map[string]string) {
	if dir == "" {
		return Source{}, nil
	}
	src := Source{Kind: FromDotEnv, File: filepath.Join(dir, ".env")}
	info, err := os.Stat(src.File)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return src, nil
	}
	data, err := readFile(src.File)
	if err != nil {
		l.fault(src, "", "cannot be read: "+reason(err))
		return src, nil
	}
	if name := charset.Foreign(data); name != "" {
		l.fault(src, "", "must be lines of NAME=value in UTF-8: it is "+name)
		return src, nil
	}
	data = append(charset.Trim(data), '\n') // the parser drops a last line that has no end and no '='
	values, err := godotenv.UnmarshalBytes(data)
	if err != nil {
		// The parser's own message quotes the file, which may hold a key.
		l.fault(src, "", "must be lines of NAME=value"+badLine(data))
	}
	return src, values
}

// mostLines bounds the search for a bad line, whose cost grows with the square of it.
const mostLines = 500

// badLine returns the first line that does not parse together with the lines before it. A
// value in quotes may contain line breaks, so a line cannot be checked alone.
func badLine(data []byte) string {
	lines := strings.SplitAfter(string(data), "\n")
	if len(lines) > mostLines {
		return ""
	}
	good := 0
	for i := range lines {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:i+1], "")); err == nil {
			good = i + 1
		}
	}
	return fmt.Sprintf(": line %d is not", good+1)
}

// variables applies the settings of a .env file or of the environment.
func (l *loader) variables(src Source, vars map[string]string) {
	known := []string{FileVariable, ServerVariable, KeyVariable}
	for i := range settings {
		name := settings[i].Env
		if name == "" {
			continue
		}
		known = append(known, name)
		if raw := vars[name]; raw != "" {
			src.Name = name
			l.set(&settings[i], src, raw)
		}
	}
	l.nodeEnv(src, vars[nodeEnv])
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		value := vars[name]
		if strings.HasPrefix(name, prefix) && value != "" && !slices.Contains(known, name) &&
			!serviceLink(name, value) {
			src.Name = name
			l.fault(src, "", "is not a setting"+suggest(name, known))
		}
	}
}

// nodeEnv reads NODE_ENV, which existing deployments set, if APP_ENV is not set. Other
// programs define NODE_ENV, so no value is an error: every value except development means
// production, as it does to most programs.
func (l *loader) nodeEnv(src Source, raw string) {
	if raw == "" || l.config.sources["env"].Name == "APP_ENV" {
		return
	}
	src.Name = nodeEnv
	l.config.Env = Production
	if raw == string(Development) {
		l.config.Env = Development
	}
	l.config.sources["env"] = src
}

// kubernetesLink matches what Kubernetes sets in every container for a service
// named belfry: BELFRY_SERVICE_HOST, BELFRY_PORT_3000_TCP_ADDR and the like.
var kubernetesLink = regexp.MustCompile(
	`^BELFRY_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)$`)

func serviceLink(name, value string) bool {
	return kubernetesLink.MatchString(name) ||
		name == "BELFRY_PORT" && (strings.HasPrefix(value, "tcp://") || strings.HasPrefix(value, "udp://"))
}

// flags applies the flags that were set.
func (l *loader) flags(set *pflag.FlagSet) {
	if set == nil {
		return
	}
	src := Source{Kind: FromFlag}
	for i := range settings {
		if f := set.Lookup(settings[i].Flag); f != nil && f.Changed {
			src.Name = f.Name
			l.set(&settings[i], src, f.Value.String())
		}
	}
}

// finish sets the values that depend on several settings, and validates them together.
func (l *loader) finish() {
	c := l.config
	if len(c.APIKeys) > 0 && c.sources["host"].Kind == FromDefault && c.ListensOnTCP() {
		c.Host = defaultOpenHost
	}
	l.finishDatabase()
	l.finishCluster()
	l.finishEgress()
	key, message := c.oidcFault(func(key string) bool { return c.sources[key].Kind != FromDefault })
	if message != "" {
		l.judge(key, message)
	}
	if c.MaxInFlightPerHost == 0 {
		c.MaxInFlightPerHost = host.MostSlots(c.MaxInFlight)
	}
	if c.MaxInFlightPerHost > c.MaxInFlight {
		l.judge("max_in_flight_per_host", fmt.Sprintf("must be at most max_in_flight, which is %d", c.MaxInFlight))
	}
	if c.MaxBody > c.MaxImport {
		l.judge("max_body", "must be at most max_import, which is "+formatSize(c.MaxImport))
	}
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		l.judge("tls_cert", "needs tls_key beside it")
	case c.TLSCert == "" && c.TLSKey != "":
		l.judge("tls_key", "needs tls_cert beside it")
	}
	if n := c.shortKey(); n > 0 && !c.ShortAPIKeys {
		l.judge("api_keys", fmt.Sprintf("key %d has %d characters: must be %d or more, as `openssl rand "+
			"-hex 24` makes "+
			"them; BELFRY_SHORT_API_KEYS=true accepts it until it is replaced", n, len(c.APIKeys[n-1]), safeKeyLength))
	}
	if len(c.APIKeys) > 0 && c.InsecureNoAuth {
		l.judge("insecure_no_auth", "contradicts the API keys that are set: keep one of the two")
	}
}

// finishDatabase refuses two databases, and a password that every user of the machine can read.
func (l *loader) finishDatabase() {
	c := l.config
	switch {
	case c.OnServer() && c.sources["db_path"].Kind != FromDefault:
		l.judge("db_path", "contradicts database_url: the database is a file or on a server, keep one of the two")
	case c.DatabaseURL != "" && c.DatabaseURLFile != "":
		l.judge("database_url_file", "contradicts database_url: keep one of the two")
	case c.sources["database_url"].Kind == FromFlag && c.hasPassword():
		l.judge("database_url", "must have no password, which all users of this machine can read in the "+
			"arguments: put it into DATABASE_URL, DATABASE_URL_FILE or PGPASSFILE")
	}
}

// finishCluster refuses settings of a cluster beside a database that no other server can use.
func (l *loader) finishCluster() {
	for _, key := range []string{"node_name", "advertise", "role"} {
		if l.config.sources[key].Kind != FromDefault && !l.config.OnServer() {
			l.judge(key, "needs database_url: other servers cannot use a database of files")
		}
	}
}

// judge reports a setting that contradicts another one, under the name that the setting
// has in its source.
func (l *loader) judge(key, message string) {
	src := l.config.sources[key]
	src.Name = cmp.Or(src.Name, key)
	l.fault(src, maskSecrets(settingOf(key).get(l.config)), message)
}

// readFile returns the content of a file that is not larger than a config may be.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(data) > maxFileSize {
		err = fmt.Errorf("larger than %s", formatSize(maxFileSize))
	}
	return data, err
}

// reason removes the path from an error about a file, because the fault names the path.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// Variables returns the environment together with the variables of the .env file in the
// folder, if there is one; the environment wins. Client commands look up [ServerVariable]
// and [KeyVariable] in the result. The error is [Errors].
func Variables(dotEnvDir string, environ []string) (map[string]string, error) {
	var l loader
	_, vars := l.dotEnv(dotEnvDir)
	if len(l.faults) > 0 {
		return nil, l.faults
	}
	out := make(map[string]string, len(vars)+len(environ))
	maps.Copy(out, vars)
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" {
			out[name] = value
		}
	}
	return out, nil
}
