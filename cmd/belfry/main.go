// Command belfry is the scheduler: its server and its tools. See package cli.
package main

import (
	"os"

	"github.com/belfry-scheduler/belfry/internal/cli"
)

func main() { os.Exit(cli.Main()) }
