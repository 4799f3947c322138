#!/usr/bin/env bash
# `dawncast demo --keep`, watched by Prometheus and Alertmanager with the rules that are shipped, everything on loopback and
# in a temporary folder. Its arguments are the demo's; Ctrl-C ends it all.
#   DAWNCAST   the binary; by default the release build
#   ALERTS_TO  where alerts go, by Alertmanager's webhook: a URL, under which come /pager, /chat and /dead-mans-switch; by
#              default nobody listens there
set -euo pipefail
cd "$(dirname "$0")/.."

DAWNCAST=${DAWNCAST:-target/release/dawncast}
ALERTS_TO=${ALERTS_TO:-http://127.0.0.1:9}
READY_WITHIN=30

folder=$(mktemp -d "${TMPDIR:-/tmp}/dawncast-observe-XXXXXX")
pids=()

fail() {
    echo "error: $*" >&2
    exit 1
}

is_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The first port from this one on that nobody listens on.
free_port() {
    local port=$1
    while is_open "$port"; do port=$((port + 1)); done
    echo "$port"
}

# start PORT COMMAND...: waits until it listens.
start() {
    local port=$1 log="$folder/${2##*/}.log"
    "${@:2}" >"$log" 2>&1 &
    pids+=($!)
    local deadline=$((SECONDS + READY_WITHIN))
    until is_open "$port"; do
        kill -0 "${pids[-1]}" 2>/dev/null || fail "$2 has ended: $(tail -n 5 "$log")"
        ((SECONDS < deadline)) || fail "$2 does not listen after $READY_WITHIN s: $(tail -n 5 "$log")"
        sleep 0.1
    done
}

# Whoever was started last ends first; each is waited for.
end() {
    trap '' INT TERM HUP
    for ((place = ${#pids[@]} - 1; place >= 0; place--)); do
        kill -TERM "${pids[place]}" 2>/dev/null || true
        wait "${pids[place]}" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT TERM HUP

for command in prometheus prometheus-alertmanager python3; do
    command -v "$command" >/dev/null || fail "there is no $command: make observe installs it"
done
prometheus=$(free_port 9090)
alertmanager=$(free_port 9093)
pages=$(free_port "$((alertmanager + 1))")

cp -r deploy/prometheus "$folder/config"
sed "s|http://\([a-z-]*\)\.invalid/|${ALERTS_TO%/}/\1|" deploy/alertmanager/alertmanager.yml >"$folder/alertmanager.yml"
echo "[{ \"targets\": [\"127.0.0.1:$alertmanager\"] }]" >"$folder/config/targets/alertmanager.json"
echo "[]" >"$folder/config/targets/dawncast.json"

start "$prometheus" prometheus --config.file="$folder/config/prometheus.yml" --storage.tsdb.path="$folder/data" \
    --web.listen-address="127.0.0.1:$prometheus" --log.level=warn
start "$alertmanager" prometheus-alertmanager --config.file="$folder/alertmanager.yml" --storage.path="$folder/alerts" \
    --web.listen-address="127.0.0.1:$alertmanager" --cluster.listen-address= --log.level=warn
start "$pages" python3 -m http.server --bind 127.0.0.1 --directory dashboards "$pages"

echo "Prometheus    http://127.0.0.1:$prometheus"
echo "Alertmanager  http://127.0.0.1:$alertmanager"
echo "Dashboards    http://127.0.0.1:$pages/view/?prometheus=http://127.0.0.1:$prometheus"

# In the background, so that this script hears a signal at once.
"$DAWNCAST" demo --keep --targets "$folder/config/targets/dawncast.json" "$@" &
pids+=($!)
wait "${pids[-1]}"
