#!/usr/bin/env bash
# Runs the fuzz targets named as arguments, or all of them, for a minute each (FUZZ_SECONDS), as many at once as there are cores
# (FUZZ_JOBS). Fails if one finds a fault, and says how to see it again. No sanitizer: there is no unsafe code here.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${FUZZ_SECONDS:-60} jobs=${FUZZ_JOBS:-$(nproc)}
targets=("$@")
[[ $# -gt 0 ]] || targets=($(cargo fuzz list --fuzz-dir .))

cargo fuzz build --fuzz-dir . --sanitizer none
binaries=$(echo target/*/release)

run() {
    local target=$1
    mkdir -p "corpus/$target" "artifacts/$target"
    local log=artifacts/$target.log
    if "$binaries/$target" -dict=words.dict -max_total_time="$seconds" -timeout=120 -rss_limit_mb=2048 \
        -artifact_prefix="artifacts/$target/" "corpus/$target" "seeds/$target" >"$log" 2>&1; then
        echo "$target: $(grep -E '^Done' "$log"), $(grep -Eo 'cov: [0-9]+' "$log" | tail -1)"
    else
        grep -E 'panicked at|ERROR|ALARM' -A 2 "$log" || tail -20 "$log"
        echo "$target: FAULT. See it again: cargo fuzz run --sanitizer none $target fuzz/artifacts/$target/…"
        return 1
    fi
}
export -f run
export seconds binaries
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'run {}'
