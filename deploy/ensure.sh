#!/usr/bin/env bash
# Installs the commands named as arguments that are not on the path: apt-get on Debian and Ubuntu, brew on macOS.
set -euo pipefail

fail() {
    echo "error: $*" >&2
    exit 1
}

apt_package() {
    case $1 in
        cc) echo gcc libc6-dev ;;
        c++) echo g++ libc6-dev ;;
        promtool) echo prometheus ;;
        amtool) echo prometheus-alertmanager ;;
        node) echo nodejs ;;
        *) echo "$1" ;;
    esac
}

brew_package() {
    case $1 in
        redis-server) echo redis ;;
        cc) fail "there is no C compiler: run xcode-select --install" ;;
        promtool) echo prometheus ;;
        npm) echo node ;;
        prometheus-alertmanager | amtool)
            fail "brew has no Alertmanager: get it from https://prometheus.io/download/ and put its programs on the path," \
                "alertmanager by the name of prometheus-alertmanager"
            ;;
        *) echo "$1" ;;
    esac
}

# Debian starts the services that it installs. What is installed here is started, and ended, by whoever needs it.
POLICY=/usr/sbin/policy-rc.d
SUDO=()

forbid_services() {
    [[ ! -e $POLICY ]] || return 0
    printf '#!/bin/sh\nexit 101\n' | "${SUDO[@]}" install -m 755 /dev/stdin "$POLICY"
    trap '"${SUDO[@]}" rm -f "$POLICY"' EXIT
}

# Nor at the next boot.
disable_services() {
    [[ -d /run/systemd/system ]] || return 0
    for service in redis-server prometheus prometheus-alertmanager; do
        if [[ " $* " == *" $service "* ]]; then "${SUDO[@]}" systemctl disable --quiet "$service"; fi
    done
}

install_by_apt() {
    local packages=()
    for command in "$@"; do
        read -ra names <<<"$(apt_package "$command")"
        packages+=("${names[@]}")
    done
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || fail "not root, and no sudo: have an administrator run apt-get install ${packages[*]}"
        SUDO=(sudo)
    fi
    forbid_services
    # Package lists are absent from fresh containers, and elsewhere may be too old to be of use.
    local install=("${SUDO[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${packages[@]}")
    "${install[@]}" || { "${SUDO[@]}" apt-get update && "${install[@]}"; }
    disable_services "${packages[@]}"
}

install_by_brew() {
    local packages=()
    for command in "$@"; do packages+=("$(brew_package "$command")"); done
    brew install "${packages[@]}"
}

# Scripts with flags came with Redis 7.0; Debian 11 and Ubuntu 22.04 package an older one.
require_redis_7() {
    local version
    version=$(redis-server --version | sed -E 's/.*v=([0-9]+).*/\1/')
    ((version >= 7)) || fail "redis-server $(command -v redis-server) is version $version, and 7.0 or newer is needed:" \
        "https://redis.io/docs/latest/operate/oss_and_stack/install/"
}

missing=()
for command in "$@"; do
    command -v "$command" >/dev/null || missing+=("$command")
done

if ((${#missing[@]})); then
    echo "installing what is missing: ${missing[*]}" >&2
    if command -v apt-get >/dev/null; then
        install_by_apt "${missing[@]}"
    elif command -v brew >/dev/null; then
        install_by_brew "${missing[@]}"
    else
        fail "neither apt-get nor brew is here: install ${missing[*]} by hand, then try again"
    fi
fi

if [[ " $* " == *" redis-server "* ]]; then
    require_redis_7
fi
