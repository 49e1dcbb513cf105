package cli

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// maxWait is how long a script waits for one thing that must come.
const maxWait = 60 * time.Second

// leakChecked runs the tests and then looks for goroutines they have left.
type leakChecked struct{ *testing.M }

func (m leakChecked) Run() int {
	code := m.M.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestMain makes this binary the belfry of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"belfry": func() {
		if os.Getenv(commandLinesVariable) == "" {
			os.Exit(Main())
		}
		if err := executeCommandLines(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}})
}

// TestScripts runs testdata/script. Beside the usual commands there are
//
//	exits CODE belfry ...       run in a process of its own, the exit code must be CODE
//	runs CODE belfry ... [<IN]  run in one process for all of the script: what needs neither an exit
//	                            code of the system nor a signal or a setting that lasts for the process
//	start NAME belfry ...       run beside the script
//	expect NAME REGEXP [VAR]    wait for a line of its output; VAR is the first group
//	signal NAME TERM|INT|KILL   send it a signal
//	ends NAME CODE|SIGNAL       wait for its end
//	envsubst FROM TO            copy a file, with its variables filled in
//	readvar VAR FILE            VAR is the first line of the file
//	keyid VAR FILE              VAR is the id of the API key in the file
//	certificate CERT KEY NAME   make a certificate for a name, and its key
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PORT", "0")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a race detector waits a second at each exit
			env.Values["processes"], env.Values["command process"] = map[string]*process{}, new([]*commandProcess)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "runs": runs, "start": start, "expect": expect, "signal": sendSignal, "ends": ends,
			"envsubst": envsubst,
			"readvar":  readVar, "keyid": keyID, "certificate": makeCertificate,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// process runs beside a script.
type process struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	done   chan struct{} // closed when the output has ended

	mu    sync.Mutex
	lines []string
	seen  int           // lines that an expect has passed
	more  chan struct{} // signals new lines to one waiting expect
}

func start(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background()) // the end of the script
	p := &process{cancel: cancel, done: make(chan struct{}), more: make(chan struct{}, 1)}
	p.cmd = exec.CommandContext(ctx, path, args[2:]...)
	p.cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "PORT", "HOST", "GORACE", "GOCOVERDIR"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	for _, name := range strings.Fields(ts.Getenv("PASS")) { // variables of this script
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	read, write, err := os.Pipe()
	ts.Check(err)
	p.cmd.Stdout, p.cmd.Stderr = write, write
	ts.Check(p.cmd.Start())
	ts.Check(write.Close())
	go p.collect(read)
	ts.Value("processes").(map[string]*process)[args[0]] = p
	ts.Defer(func() {
		cancel()
		<-p.done
		_ = p.cmd.Wait() // waited for by ends, or killed just now
	})
}

func (p *process) collect(r io.ReadCloser) {
	defer close(p.done)
	defer r.Close()
	for s := bufio.NewScanner(r); s.Scan(); {
		p.mu.Lock()
		p.lines = append(p.lines, s.Text())
		p.mu.Unlock()
		select {
		case p.more <- struct{}{}:
		default:
		}
	}
}

// match returns the groups of the first line that has not been passed and
// matches.
func (p *process) match(re *regexp.Regexp) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := p.seen; i < len(p.lines); i++ {
		if m := re.FindStringSubmatch(p.lines[i]); m != nil {
			p.seen = i + 1
			return m
		}
	}
	return nil
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

func named(ts *testscript.TestScript, name string) *process {
	p := ts.Value("processes").(map[string]*process)[name]
	if p == nil {
		ts.Fatalf("no process %s was started", name)
	}
	return p
}

func expect(ts *testscript.TestScript, _ bool, args []string) {
	p := named(ts, args[0])
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	limit := time.After(maxWait)
	for ended := false; ; {
		if m := p.match(re); m != nil {
			if len(args) > 2 {
				ts.Setenv(args[2], m[1])
			}
			return
		}
		if ended {
			ts.Fatalf("%s ended without %q; it said:\n%s", args[0], args[1], p.output())
		}
		select {
		case <-p.more:
		case <-p.done:
			ended = true // one more look at what came last
		case <-limit:
			ts.Fatalf("%s does not say %q; it said:\n%s", args[0], args[1], p.output())
		}
	}
}

func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}
	ts.Check(named(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

func ends(ts *testscript.TestScript, _ bool, args []string) {
	p := named(ts, args[0])
	select {
	case <-p.done:
	case <-time.After(maxWait):
		ts.Fatalf("%s does not end; it said:\n%s", args[0], p.output())
	}
	_ = p.cmd.Wait() // the state says it
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	got := strconv.Itoa(status.ExitStatus())
	if status.Signaled() {
		got = status.Signal().String()
	}
	if got != args[1] {
		ts.Fatalf("%s ended with %s, want %s; it said:\n%s", args[0], got, args[1], p.output())
	}
	_, err := io.WriteString(ts.Stdout(), p.output()+"\n")
	ts.Check(err)
}

func envsubst(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func readVar(ts *testscript.TestScript, _ bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile(args[1]), "\n")
	ts.Setenv(args[0], line)
}

func keyID(ts *testscript.TestScript, _ bool, args []string) {
	parts := strings.Split(ts.ReadFile(args[1]), "_")
	if len(parts) != 3 {
		ts.Fatalf("%s holds no API key", args[1])
	}
	ts.Setenv(args[0], parts[1])
}

func makeCertificate(ts *testscript.TestScript, _ bool, args []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{args[2]},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}
