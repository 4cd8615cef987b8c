#!/usr/bin/env bash
# Runs official suites, copied at run time from $REF, against running servers.
#
#   REF=dir         a checkout of github.com/socketio/socket.io, which is only read
#   EIO3_URL=url    the engine.io v3 suite, against the server there; unset: not
#   EIO4_URL=url    the engine.io v4 suite
#   SIO5_URL=url    the socket.io v5 suite
#   EIOC_URL=url    engine.io-client's own suite, but for WebTransport, which needs a QUIC server in its own process
#   SIOC_URL=url    socket.io-client's own suite, but for "reconnect timeout", which never reaches a server and leaves a
#                   fake clock behind
#   WORK=dir        where suites and their npm packages go (default: outrider-suites in the user's cache)
#   RETRIES=n       of the clients' suites, some of whose tests are bound to 50 ms (default 2)
#
# Prints a line for each suite, the tests that failed under it, and exits 1 if any has.
set -u
REF=${REF:?name a checkout of github.com/socketio/socket.io}
WORK=${WORK:-${XDG_CACHE_HOME:-$HOME/.cache}/outrider-suites}
status=0

# packages DIR PACKAGE...: installs a suite's npm packages, once.
packages() {
  local dir=$1; shift
  mkdir -p "$dir"
  [ "$(cat "$dir/installed" 2>/dev/null)" = "$*" ] && return
  echo '{"private":true}' >"$dir/package.json"
  (cd "$dir" && npm install --no-audit --no-fund --silent "$@") >&2 || { echo "npm install failed in $dir" >&2; exit 2; }
  echo "$*" >"$dir/installed"
}

# mocha NAME DIR ARGUMENT...: runs a suite in a folder that has it and its packages.
mocha() {
  local name=$1 dir=$2; shift 2
  rm -f "$dir/result.json"
  (cd "$dir" && timeout 240 node "$@" --exit --reporter json --reporter-option output=result.json) >"$dir/out.log" 2>&1
  node -e '
    const [name, file] = process.argv.slice(1);
    let r;
    try { r = JSON.parse(require("fs").readFileSync(file, "utf8")); }
    catch (e) { console.log(`${name}: no result`, e.message); process.exit(1); }
    const s = r.stats;
    console.log(`${name}: passed ${s.passes}, failed ${s.failures}, skipped ${s.pending} (${s.duration} ms)`);
    for (const f of r.failures) console.log("    " + f.fullTitle + ": " + String(f.err.message).split("\n")[0]);
    process.exit(s.failures ? 1 : 0);
  ' "$name" "$dir/result.json" || status=1
}

version() { node -p 'require(process.argv[1]).version' "$1/package.json"; }

# protocol NAME FOLDER URL: a protocol's suite.
protocol() {
  local dir="$WORK/$1" src="$REF/docs/$2"
  # shellcheck disable=SC2046 # a word for each package
  packages "$WORK/protocol-packages" $(node -p '
    const dev = require(process.argv[1]).devDependencies;
    Object.keys(dev).filter((k) => k !== "prettier").map((k) => k + "@" + dev[k]).join(" ")' "$src/package.json")
  rm -rf "$dir"; mkdir -p "$dir"
  cp "$src"/*.js "$src/package.json" "$dir/"
  ln -s "$WORK/protocol-packages/node_modules" "$dir/node_modules"
  sed -i "s#http://localhost:3000#${3%/}#g" "$dir/test-suite.js"
  mocha "$1" "$dir" node_modules/mocha/bin/mocha test-suite.js
}

# client NAME PACKAGE...: lays out a client's suite in $WORK/NAME: the published client of the same version, its tests
# in place of those that it does not bring, and their packages.
client() {
  local name=$1 dir="$WORK/$1" src="$REF/packages/$1"; shift
  packages "$WORK/$name-packages" "$name@$(version "$src")" mocha@10 expect.js@0.3 has-cors@1 @sinonjs/fake-timers@11 "$@"
  rm -rf "$dir"; mkdir -p "$dir"
  cp -r "$WORK/$name-packages/node_modules/$name/." "$dir/"
  cp -r "$src/test" "$dir/test"
  # Beside those that the client brings itself.
  mkdir -p "$dir/node_modules"
  for p in "$WORK/$name-packages/node_modules"/* "$WORK/$name-packages/node_modules"/.bin; do
    [ -e "$dir/node_modules/$(basename "$p")" ] || ln -s "$p" "$dir/node_modules/$(basename "$p")"
  done
}

engine_client() {
  local port=${1##*:}
  client engine.io-client engine.io@6 blob@0.1 cookie@0.7 express@4 debug@4 ws@8 xmlhttprequest-ssl@2 engine.io-parser@5
  find "$WORK/engine.io-client/test" -name '*.js' -exec sed -i -E "s#localhost:3000#localhost:${port%/}#g; s#port: 3000#port: ${port%/}#g" {} +
  mocha engine.io-client "$WORK/engine.io-client" node_modules/mocha/bin/mocha.js --retries "${RETRIES:-2}" test/index.js
}

socket_client() {
  local dir="$WORK/socket.io-client" port=${1##*:}
  client socket.io-client socket.io@4 tsx@4 text-blob-builder@0 base64-arraybuffer@1 @types/node@20 typescript@5
  # The fixtures of autoUnref are CommonJS in .ts files, which a bare node does not take.
  for f in "$dir/test/fixtures"/*.ts; do mv "$f" "${f%.ts}.cjs"; done
  sed -i 's#\.ts")#.cjs")#' "$dir/test/node.ts"
  find "$dir/test" -type f -exec sed -i "s#http://localhost:3210#http://localhost:${port%/}#g" {} +
  mocha socket.io-client "$dir" --import tsx node_modules/mocha/bin/mocha.js --retries "${RETRIES:-2}" --grep "reconnect timeout" --invert test/index.ts
}

[ -n "${EIO3_URL:-}" ] && protocol engine.io-v3 engine.io-protocol/v3-test-suite "$EIO3_URL"
[ -n "${EIO4_URL:-}" ] && protocol engine.io-v4 engine.io-protocol/v4-test-suite "$EIO4_URL"
[ -n "${SIO5_URL:-}" ] && protocol socket.io-v5 socket.io-protocol/v5-test-suite "$SIO5_URL"
[ -n "${EIOC_URL:-}" ] && engine_client "$EIOC_URL"
[ -n "${SIOC_URL:-}" ] && socket_client "$SIOC_URL"
exit $status
