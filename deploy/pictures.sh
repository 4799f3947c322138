#!/usr/bin/env bash
# Draws docs/pictures anew: the simulator's page, and both dashboards from what a real Prometheus has scraped of a demo. Its
# arguments are the demo's.
#   BROWSER  a Chromium; by default chromium
set -euo pipefail
cd "$(dirname "$0")/.."

BROWSER=${BROWSER:-chromium}
WIDTH=1120

fail() {
    echo "error: $*" >&2
    exit 1
}

folder=$(mktemp -d "${TMPDIR:-/tmp}/dawncast-pictures-XXXXXX")
observe=
sim=
end() {
    trap '' INT TERM HUP
    for child in $sim $observe; do
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT TERM HUP

# ask EXPRESSION: its value, or nothing.
ask() {
    python3 - "$prometheus" "$1" <<'PYTHON'
import json, sys, urllib.parse, urllib.request
address = sys.argv[1] + "/api/v1/query?" + urllib.parse.urlencode({"query": sys.argv[2]})
found = json.load(urllib.request.urlopen(address))["data"]["result"]
print(round(float(found[0]["value"][1])) if found else "")
PYTHON
}

# height DASHBOARD: of its page, in pixels: its rows of 38, and what stands above and below them.
height() {
    python3 - "dashboards/$1.json" <<'PYTHON'
import json, sys
places = [panel["gridPos"] for panel in json.load(open(sys.argv[1]))["panels"]]
print(max(place["y"] + place["h"] for place in places) * 38 + 54)
PYTHON
}

# draw DASHBOARD FROM TO, in seconds.
draw() {
    local address="$pages?dashboard=$1&prometheus=$prometheus&from=${2}000&to=${3}000"
    local flags=(--headless --hide-scrollbars --disable-gpu --user-data-dir="$folder/browser" --virtual-time-budget=20000)
    [[ $(id -u) != 0 ]] || flags+=(--no-sandbox)
    TZ=Asia/Kolkata "$BROWSER" "${flags[@]}" --window-size="$WIDTH,$(height "$1")" \
        --screenshot="$PWD/docs/pictures/$1.png" "$address" >"$folder/browser.log" 2>&1 || fail "$(tail -n 5 "$folder/browser.log")"
    echo "docs/pictures/$1.png"
}

for command in "$BROWSER" python3; do
    command -v "$command" >/dev/null || fail "there is no $command"
done

(($#)) || set -- --recipients 30000 --numbers 4 --window 2m
deploy/observe.sh "$@" >"$folder/observe.log" 2>&1 &
observe=$!
window='dawncast_run_window_timestamp_seconds'
opens=
until [[ -n $opens ]]; do
    kill -0 "$observe" 2>/dev/null || fail "the demo has ended: $(tail -n 5 "$folder/observe.log")"
    sleep 1
    prometheus=$(sed -n 's/^Prometheus  *//p' "$folder/observe.log")
    [[ -z $prometheus ]] || opens=$(ask "max($window{edge=\"opens\"})")
done
pages=$(sed -n 's/^Dashboards  *\([^?]*\).*/\1/p' "$folder/observe.log")
python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1])' "$pages" || fail "there is no page at $pages"
closes=$(ask "max($window{edge=\"closes\"})")
# The run while its end is near and still open; the pipeline until it has emptied. Each some scrapes after it was so.
printf 'waiting until %(%T)T\n' "$((closes + 30))"
sleep "$((closes + 30 - $(date +%s)))"
from=$((opens - 15 - opens % 5))
draw tonights-run "$from" "$((closes - 15 - closes % 5))"
draw pipeline "$from" "$((closes + 20 - closes % 5))"

# `make observe` has built it.
target/release/dawncast sim --listen 127.0.0.1:0 >"$folder/sim.log" 2>&1 &
sim=$!
until address=$(sed -n 's/^Graph API at \([^,]*\),.*/\1/p' "$folder/sim.log") && [[ -n $address ]]; do
    kill -0 "$sim" 2>/dev/null || fail "the simulator has ended: $(tail -n 5 "$folder/sim.log")"
    sleep 0.1
done
SIM_URL=$address SIM_NUMBER=100000000000001 BROWSER=$BROWSER TZ=Asia/Kolkata \
    node crates/cli/tests/sim-page/picture.mjs docs/pictures/simulator.png
echo docs/pictures/simulator.png
