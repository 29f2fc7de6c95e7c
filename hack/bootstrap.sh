#!/usr/bin/env bash
# Makes this machine able to run the command that follows, then becomes it: Node and npm of the pinned versions, the npm packages of
# the lockfile and, with --cluster, the Debian packages of which the local cluster is made. Quiet and quick when all is there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${BERTH_CACHE_DIR:-$HOME/.cache/berth}
npm_version=11.19.1

fail() { echo "bootstrap: $*" >&2; exit 1; }

debian_packages() {
  # Without a local cluster nothing of this is used.
  [ "${BERTH_CLUSTER:-}" = existing ] && return
  docker info >/dev/null 2>&1 && return
  local wanted=(
    runc containernetworking-plugins iptables nftables conntrack kmod ethtool iproute2 util-linux procps # nodes
    catatonit busybox-static bash wget curl netcat-openbsd bind9-dnsutils socat ca-certificates          # images
    openssl                                                                                              # certificates
  ) missing=() package
  for package in "${wanted[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  # For tests that use a program of Python; another Python than Debian's may bring its own.
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  [ ${#missing[@]} -eq 0 ] && return
  [ "$(id -u)" = 0 ] || fail "the local cluster needs root and these Debian packages: apt-get install ${missing[*]}"
  echo "bootstrap: installing Debian packages: ${missing[*]}" >&2
  {
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}"
  } >"$cache/apt.log" 2>&1 || { tail -20 "$cache/apt.log" >&2; fail "apt-get could not install them"; }
}

ensure_node() {
  local version dir
  version=$(tr -d '[:space:]' <"$root/.nvmrc")
  dir=$cache/node/$version-npm-$npm_version
  if [ ! -x "$dir/bin/node" ]; then
    command -v npm >/dev/null || fail "npm is missing: apt-get install npm"
    echo "bootstrap: installing Node $version and npm $npm_version" >&2
    rm -rf "$dir.partial" "$dir"
    mkdir -p "$dir.partial"
    npm install --prefix "$dir.partial" --no-save --no-audit --no-fund --loglevel=error "node@$version" "npm@$npm_version" >"$cache/node.log" 2>&1 ||
      { tail -20 "$cache/node.log" >&2; fail "npm could not install Node $version"; }
    mkdir "$dir.partial/bin"
    ln -s ../node_modules/node/bin/node ../node_modules/npm/bin/npm-cli.js ../node_modules/npm/bin/npx-cli.js "$dir.partial/bin/"
    mv "$dir.partial/bin/npm-cli.js" "$dir.partial/bin/npm"
    mv "$dir.partial/bin/npx-cli.js" "$dir.partial/bin/npx"
    mv "$dir.partial" "$dir"
  fi
  PATH=$dir/bin:$root/node_modules/.bin:$PATH
}

npm_packages() {
  local stamp=$root/node_modules/.berth-lockfile hash
  hash=$(sha256sum <"$root/package-lock.json")
  [ "$(cat "$stamp" 2>/dev/null)" = "$hash" ] && return
  echo "bootstrap: installing npm packages" >&2
  node "$root/hack/npm-packages.ts" >"$cache/npm.log" 2>&1 || { tail -20 "$cache/npm.log" >&2; fail "npm could not install them"; }
  echo "$hash" >"$stamp"
}

mkdir -p "$cache"
if [ "${1:-}" = --cluster ]; then
  shift
  command -v go >/dev/null || fail "Go 1.26 or later is missing: the local cluster is built with it"
  cluster=yes
fi
exec 9>"$cache/bootstrap.lock"
flock -w 900 9 || fail "another bootstrap has been running for 15 minutes"
[ -z "${cluster:-}" ] || debian_packages
ensure_node
npm_packages
exec 9>&-
export PATH
[ $# -eq 0 ] || exec "$@"
