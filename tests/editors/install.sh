#!/bin/sh
# Install what `make test-editors` drives into one folder: Neovim 0.12, Emacs 30, Helix, and the npm packages
# of the VS Code extension.
#
#   tests/editors/install.sh [DIR]        DIR defaults to .editors in the repository
#
# Debian's own newer packages are unpacked beside the machine's, so nothing that is installed changes.
# Quick when DIR is already complete. Ends non-zero with one sentence when it cannot do it.
set -eu

suite=forky
packages=neovim,emacs-nox,hx,git

repository=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
target=${1:-"$repository/.editors"}

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

log=$(mktemp)
work=''
clean() {
    rm -f "$log"
    [ -z "$work" ] || rm -rf --one-file-system "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

# The npm packages, anew when the lock file has changed. Without npm the tests of the extension are skipped.
install_npm_packages() {
    command -v npm >/dev/null || return 0
    cmp -s "$repository/editors/vscode/package-lock.json" "$target/npm/node_modules/.lock" && return 0
    mkdir -p "$target/npm"
    cp "$repository/editors/vscode/package.json" "$repository/editors/vscode/package-lock.json" "$target/npm/"
    (cd "$target/npm" && npm ci --ignore-scripts) >"$log" 2>&1 ||
        fail "npm could not install the packages of editors/vscode: $(grep -m 1 -i error "$log")"
    cp "$repository/editors/vscode/package-lock.json" "$target/npm/node_modules/.lock"
}

# The packages are named in the mark, so that a change here installs anew.
mark="$target/.complete"
if [ "$(cat "$mark" 2>/dev/null)" = "$suite $packages" ]; then
    install_npm_packages
    exit 0
fi
if [ -e "$target" ] && [ ! -e "$mark" ] && [ -n "$(ls -A "$target" 2>/dev/null)" ]; then
    fail "$target exists and was not made by this script; name another folder or move it away."
fi
[ "$(id -u)" = 0 ] || fail "installing the editors needs root (debootstrap); the tests themselves do not."
command -v apt-get >/dev/null || fail "this needs Debian or Ubuntu (apt-get); install the editors yourself and put them on PATH."

# The machine's own mirror: the first Debian archive its sources name.
mirror=$(apt-get indextargets --format '$(SITE) $(COMPONENT) $(CODENAME) $(ORIGIN)' 2>/dev/null |
    awk '$4 == "Debian" && $2 == "main" && $3 !~ /security/ { print $1; exit }')
if [ -z "$mirror" ]; then
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb +(\[[^]]*\] +)?([^ ]+) .*/\2/p' | grep -E '/debian/?$' | head -n 1)
fi
[ -n "$mirror" ] || fail "no Debian archive is named in this machine's apt sources."

if ! command -v debootstrap >/dev/null; then
    { apt-get install -y --no-install-recommends debootstrap ||
        { apt-get update && apt-get install -y --no-install-recommends debootstrap; }; } >"$log" 2>&1 ||
        fail "apt-get could not install debootstrap: $(tail -n 1 "$log")"
fi

# debootstrap cannot stand a space in the path, so it works elsewhere and the result is moved.
work=$(mktemp -d "${TMPDIR:-/var/tmp}/devflow-editors.XXXXXX")
echo "Installing Neovim, Emacs and Helix ($suite) from $mirror; this takes about a minute ..."
debootstrap --variant=minbase --include="$packages" "$suite" "$work/tree" "$mirror" \
    /usr/share/debootstrap/scripts/sid >"$log" 2>&1 ||
    fail "debootstrap could not install $packages: $(grep -E '^[EW]:' "$log" | tail -n 1)"
rm -rf "$work/tree/var/cache/apt/archives" "$work/tree/usr/share/doc" "$work/tree/usr/share/locale"

if [ -e "$target" ]; then
    rm -rf --one-file-system "$target"
fi
mkdir -p "$(dirname -- "$target")"
mv "$work/tree" "$target"
printf '%s' "$suite $packages" >"$mark"
install_npm_packages
