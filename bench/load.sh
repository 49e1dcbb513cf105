#!/usr/bin/env bash
# How late do N jobs leave that are all due at every second? Starts a receiver
# and a server on loopback, imports the jobs, and prints what the receiver saw
# in SECS seconds. Usage: bench/load.sh N [SECS] [PATH of the receiver]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
N=${1:?number of jobs} SECS=${2:-10} TO=${3:-/ok}
RECEIVER=127.0.0.1:4455 SERVER=127.0.0.1:4456
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$dir"' EXIT
bin/belfry receiver --addr $RECEIVER --quiet >/dev/null &
DB_PATH=$dir/jobs.db PORT=${SERVER#*:} LOG_LEVEL=error bin/belfry serve 2>"$dir/log" &
server=$!
until curl -sf http://$SERVER/readyz >/dev/null; do sleep 0.1; done
for ((i = 0; i < N; i++)); do
  printf '{"schedule":"* * * * * *","api":"http://%s%s","type":"ATLEAST_ONCE"}\n' "$RECEIVER" "$TO"
done >"$dir/jobs.ndjson"
bin/belfry import --server http://$SERVER "$dir/jobs.ndjson" 2>/dev/null
sleep 4
cpu() { awk '{ print ($14 + $15) * 10 }' "/proc/$server/stat"; } # milliseconds, at 100 ticks a second
count() { curl -s http://$RECEIVER/stats | grep -o '"requests":[0-9]*' | cut -d: -f2; }
c0=$(cpu) n0=$(count)
sleep "$SECS"
c1=$(cpu) n1=$(count)
awk -v n=$((n1 - n0)) -v c=$((c1 - c0)) -v s="$SECS" 'BEGIN { printf "%d requests/s, %.1f us CPU of the server for each\n", n / s, c * 1000 / n }'
curl -s http://$RECEIVER/stats
kill -TERM $server && wait $server
