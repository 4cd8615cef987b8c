GO       ?= go
FUZZTIME ?= 10s
BENCH    ?= .
PEERS_N  ?= 15000
# The race detector needs a C compiler. Without one, what can be tested is.
RACE     := $(shell command -v cc >/dev/null && echo -race)
# What is tested without real clients: everything but internal/e2e.
UNIT      = $$($(GO) list ./... | grep -v /internal/e2e)

.DEFAULT_GOAL := help
.PHONY: help run build clients test unit race e2e fuzz bench bench-peers bench-library microbench benchonce lint fix suites conformance tidy check

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build clients ## build, and serve on 127.0.0.1:3000
	./bin/outrider serve

build: ## build bin/outrider
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/outrider ./cmd/outrider

clients: ## install socket.io's own clients from npm, for the end-to-end tests and the README's client
	@test -d internal/e2e/node_modules || (cd internal/e2e && npm ci) || echo "no clients from npm: the gateway runs without them"

test: lint unit benchonce race e2e ## everything: lint, all tests, benchmarks once, the race detector, real clients from npm

unit: ## all tests without real clients, the seeds of the fuzz targets included
	$(GO) test -shuffle=on -timeout 10m $(UNIT)

race: ## the same under the race detector
	$(GO) test $(RACE) -shuffle=on -timeout 10m $(UNIT)

e2e: ## the clients in the field against the gateway
	$(GO) test -shuffle=on -timeout 10m ./internal/e2e

fuzz: ## each fuzz target for FUZZTIME
	@grep -rHo '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' . | sed 's|/[^/]*:func | |' | sort | while read -r dir target; do \
	  echo "$$dir $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$dir" || exit 1; done

bench: build ## ours beside the floor under load, for Engine.IO 4 and 3, 5 minutes; reports to bin/
	@for eio in 4 3; do ./bin/outrider bench compare --vs floor -n 15000 --eio $$eio -o bin/bench-eio$$eio.json || exit 1; done

bench-peers: build ## the same beside socket.io for Node and the floor, in one table; report to bin/
	@test -d bench/peers/node/node_modules || (cd bench/peers/node && npm ci)
	./bin/outrider bench peers -n $(PEERS_N) --peer node='exec:node bench/peers/node/server.js {addr} {ping}' -o bin/bench-peers.json

bench-library: ## socketio alone beside socket.io for Node and zishang520's for Go, in one table, 2 minutes
	@test -d bench/peers/node/node_modules || (cd bench/peers/node && npm ci)
	$(GO) build -trimpath -o bin/library ./bench/library
	cd bench/peers/zishang520 && $(GO) build -trimpath -o ../../../bin/peer-zishang520 .
	./bin/library -peer node='node bench/peers/node/library.js {addr}' -peer zishang520='bin/peer-zishang520 {addr}'

microbench: ## each benchmark that matches BENCH, with its allocations
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(UNIT)

benchonce: ## each benchmark once and small, so that none of them rots
	$(GO) test -run '^$$' -bench . -benchtime 1x -short $(UNIT)

lint: ## vet, staticcheck, gofumpt
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@test -z "$$($(GO) tool gofumpt -l . | tee /dev/stderr)" || (echo "not formatted: make fix" && exit 1)

fix: ## format, and what go fix modernises
	$(GO) tool gofumpt -w .
	$(GO) fix ./...

suites: ## run the official suites, of the protocols and of both clients, from REF: a checkout of socketio/socket.io
	@test -n "$(REF)" || (echo "make suites REF=dir" && exit 1)
	REF='$(abspath $(REF))' $(GO) test -count=1 -v -run TestSuites ./internal/conformance

conformance: ## serve what the official suites talk to, on :4300 (engine.io), :4301, :4302 (engine.io-client), :4303
	$(GO) run ./internal/conformance -engine 127.0.0.1:4300 -socketio 127.0.0.1:4301 \
	  -engine-client 127.0.0.1:4302 -socketio-client 127.0.0.1:4303

tidy: ## make go.mod say what the code needs
	$(GO) mod tidy

check: test ## what a change must pass: test, a tidy go.mod, nothing left to modernise
	$(GO) mod tidy -diff
	$(GO) fix -diff ./...
