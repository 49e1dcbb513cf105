package cli

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/rogpeppe/go-internal/testscript"
)

// commandLine is one command line for a process that executes several.
type commandLine struct {
	Dir           string
	Environ, Args []string
	Stdin         []byte
}

// commandResult is what a command line has printed, and its exit code.
type commandResult struct {
	Stdout, Stderr []byte
	Code           int
}

// commandLinesVariable makes this binary execute command lines of a script instead of one
// of its own.
const commandLinesVariable = "BELFRY_TEST_COMMAND_LINES"

// executeCommandLines executes the command lines that it reads one after the other, as
// Main would each in a process of its own: a process with the race detector takes a fifth
// of a second of a core to start.
func executeCommandLines(in io.Reader, out io.Writer) error {
	lines, results := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var l commandLine
		if err := lines.Decode(&l); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := os.Chdir(l.Dir); err != nil {
			return err
		}
		var stdout, stderr bytes.Buffer
		s := &shell{in: bytes.NewReader(l.Stdin), out: &stdout, err: &stderr, environ: l.Environ,
			clock: clock.System{}, exit: os.Exit}
		ctx, cancel := context.WithCancel(context.Background())
		code := s.run(ctx, l.Args)
		cancel()
		if err := results.Encode(commandResult{stdout.Bytes(), stderr.Bytes(), code}); err != nil {
			return err
		}
	}
}

// commandProcess is the process that executes the command lines of one script.
type commandProcess struct {
	lines   *gob.Encoder
	results *gob.Decoder
	end     func() error
	own     bytes.Buffer // what the process itself prints: reports of the race detector
}

// startCommandProcess begins the process. It has the environment of a script's start.
func startCommandProcess(ts *testscript.TestScript) *commandProcess {
	path, err := exec.LookPath("belfry")
	ts.Check(err)
	e := new(commandProcess)
	cmd := exec.Command(path)
	cmd.Env = append(environ(ts), commandLinesVariable+"=1")
	cmd.Stderr = &e.own
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	e.lines, e.results = gob.NewEncoder(in), gob.NewDecoder(out)
	e.end = func() error {
		_ = in.Close() // it ends when there is nothing more to read
		if err := cmd.Wait(); err != nil || e.own.Len() > 0 {
			return fmt.Errorf("the process of the command lines: %s\n%s", cmd.ProcessState, &e.own)
		}
		return nil
	}
	return e
}

// environ returns the variables of a script that mean something to a command line.
func environ(ts *testscript.TestScript) []string {
	names := []string{"PATH", "HOME", "TMPDIR", "GORACE", "GOCOVERDIR", "BELFRY_SERVER", "BELFRY_API_KEY", "NODE_ENV",
		"NO_COLOR", "TERM"}
	for _, s := range config.Settings() {
		names = append(names, s.Env)
	}
	var found []string
	for _, name := range names {
		if value := ts.Getenv(name); value != "" {
			found = append(found, name+"="+value)
		}
	}
	return found
}

// runs executes a command line in the process that the command lines of the script share.
func runs(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if len(args) < 2 || args[1] != "belfry" {
		ts.Fatalf("usage: runs CODE belfry ... [<FILE]")
	}
	l := commandLine{Dir: ts.MkAbs("."), Environ: environ(ts), Args: args[2:]}
	if from, ok := strings.CutPrefix(args[len(args)-1], "<"); ok {
		l.Stdin, l.Args = []byte(ts.ReadFile(from)), args[2:len(args)-1]
	}
	processes := ts.Value("command process").(*[]*commandProcess)
	if len(*processes) == 0 {
		e := startCommandProcess(ts)
		*processes = append(*processes, e)
		ts.Defer(func() { ts.Check(e.end()) })
	}
	e := (*processes)[0]
	var got commandResult
	if err := errors.Join(e.lines.Encode(l), e.results.Decode(&got)); err != nil {
		ts.Fatalf("%v: %v", err, e.end())
	}
	_, err = ts.Stdout().Write(got.Stdout)
	ts.Check(err)
	_, err = ts.Stderr().Write(got.Stderr)
	ts.Check(err)
	if got.Code != want {
		ts.Fatalf("exit code %d, want %d\n%s%s", got.Code, want, got.Stdout, got.Stderr)
	}
}
