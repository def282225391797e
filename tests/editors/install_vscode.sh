#!/bin/sh
# Install VS Code as a page (code-server, built from npm) and what drives it in Debian's Chromium into one folder;
# takes about five minutes and 1.2 GB, so `make test-editors` does it only when asked: make test-editors VSCODE=1
#
#   tests/editors/install_vscode.sh [DIR]        DIR defaults to .editors/code-server in the repository
set -eu

repository=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
target=${1:-"$repository/.editors/code-server"}
code_server=4.100.3
playwright=1.49.1

[ "$(cat "$target/.complete" 2>/dev/null)" = "$code_server $playwright" ] && exit 0
command -v npm >/dev/null || { echo "install_vscode.sh: this needs npm and Node 20." >&2; exit 1; }
if ! command -v chromium >/dev/null; then
    apt-get install -y --no-install-recommends \
        chromium libkrb5-dev libx11-dev libxkbfile-dev libsecret-1-dev ripgrep
fi
mkdir -p "$target"
target=$(CDPATH='' cd -- "$target" && pwd)  # a relative DIR must still be found at the end
cd "$target"
# The packages' own scripts fetch prebuilt files from elsewhere; what is native is built here instead.
npm install --ignore-scripts --no-audit --no-fund "code-server@$code_server" "playwright-core@$playwright"
npm rebuild argon2
cd node_modules/code-server/lib/vscode
npm install --omit=dev --ignore-scripts --no-audit --no-fund
npm_config_yes=true npm rebuild node-pty native-watchdog @vscode/spdlog kerberos
(cd extensions && npm install --omit=dev --ignore-scripts --no-audit --no-fund)
ln -sfn node_modules node_modules.asar
ln -sfn code-linux.sh bin/remote-cli/code-server
ln -sfn browser-linux.sh bin/helpers/browser.sh
printf '%s' "$code_server $playwright" >"$target/.complete"
