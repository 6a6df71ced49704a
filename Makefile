# Postern's workshop: "make" or "make help" lists what can be done.
#
# Needed: Go (see go.mod), git and make. What is built goes to .build/.

.DEFAULT_GOAL := help
SHELL := /bin/sh

BUILD   := .build
PROGRAM := $(BUILD)/postern
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)

# Tools are pinned in a module of their own, so that go.mod is of the program.
GOTOOL := go tool -modfile=.tools/go.mod

# The modules that are tested.
MODULES := . gateway/bench wit/conformance/editor gateway/internal/plugin/testdata/probe sdk/go plugins examples/plugin-go-crm

# The plugins that are embedded in the program, and what they are built of.
BUILTIN      := gateway/internal/plugin/builtin/modules
BUILTINS     := $(patsubst plugins/%/main.go,$(BUILTIN)/%.wasm,$(wildcard plugins/*/main.go))
GUEST_SOURCE := $(shell find plugins sdk/go -name '*.go' ! -name '*_test.go') plugins/go.mod sdk/go/go.mod

# What "plugin new" writes into a project is copied to where it is embedded.
COPIES := $(addprefix gateway/internal/plugin/project/_sources/, wit/plugin.wit examples/plugin-js-ticket/package-lock.json \
	$(shell find sdk/go/plugin sdk/go/plugintest sdk/go/internal -name '*.go' ! -name '*_test.go'))

# How long each fuzz target runs.
FUZZTIME ?= 30s

GO_BUILD := CGO_ENABLED=0 go build -trimpath -ldflags='-s -w -X main.version=$(VERSION)'

.PHONY: help
help: ## Show this help
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: plugins
plugins: $(BUILTINS) $(COPIES) ## Build the plugins that are embedded in the program

$(COPIES): gateway/internal/plugin/project/_sources/%: %
	@mkdir -p $(@D)
	cp $< $@

$(BUILTIN)/%.wasm: $(GUEST_SOURCE)
	cd plugins && GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -buildvcs=false -trimpath \
		-ldflags='-s -w -buildid=' -o ../$@ ./$*

.PHONY: build
build: plugins ## Build the program, one static binary: .build/postern
	@mkdir -p $(BUILD)
	$(GO_BUILD) -o $(PROGRAM) ./gateway/cmd/postern

.PHONY: run
run: build ## Build it and serve configs/development.hcl
	@$(PROGRAM) serve -c configs/development.hcl

.PHONY: test
test: plugins ## Run all tests that this machine can run
	@set -e; for module in $(MODULES); do echo "== $$module"; (cd $$module && go vet ./... && go test -timeout 25m ./...); done
	@set -e; for module in $(filter-out . gateway/bench,$(MODULES)); do (cd $$module && GOOS=wasip1 GOARCH=wasm go vet ./...); done

.PHONY: test-race
test-race: plugins ## Run them with the race detector (needs a C compiler)
	@set -e; for module in $(MODULES); do echo "== $$module"; (cd $$module && go test -race -timeout 60m ./...); done

# How many random points "make torture" tries.
POINTS ?= 200

.PHONY: torture
torture: plugins ## Kill and cut the power at POINTS (200) random points; nothing acknowledged may be lost
	POSTERN_TORTURE_POINTS=$(POINTS) go test -count 1 -timeout 90m -v -run '^(TestKill|TestPowerCut)' ./gateway/internal/store/sqlite ./gateway/cmd/postern

.PHONY: bench
bench: build ## Measure beside references, in one run
	go test -run '^$$' -bench . -benchtime 20x ./gateway/...
	cd gateway/bench && go test -run '^$$' -bench . -benchtime 20x ./...
	cd gateway/bench && go run ./measure -gateway $(CURDIR)/$(PROGRAM) -dir $(CURDIR)/$(BUILD)

.PHONY: golden
golden: ## Write the golden files anew; read the diff before you commit it
	go test ./gateway/internal/config ./gateway/internal/mime ./gateway/internal/payload/... ./wit -update
	cd plugins && go test ./classify ./spam ./markdown/convert ./payload -update

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@set -e; for module in $(MODULES); do (cd $$module && for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "== $$package $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
		done; \
	done); done

.PHONY: lint
lint: ## Run the linters of .golangci.yml (the first run compiles them)
	@set -e; for module in $(MODULES); do echo "== $$module"; (cd $$module && \
		go tool -modfile=$(CURDIR)/.tools/go.mod golangci-lint run -c $(CURDIR)/.golangci.yml ./...); done

.PHONY: vuln
vuln: ## Look for known vulnerabilities in what is linked
	$(GOTOOL) govulncheck ./...

.PHONY: fmt
fmt: ## Format all Go code
	$(GOTOOL) golangci-lint fmt ./...

.PHONY: tidy
tidy: ## Bring go.mod and go.sum up to date
	# -e: a dependency of a dependency's tests may not be to be had.
	@set -e; for module in $(MODULES) .tools; do (cd $$module && go mod tidy -e); done

.PHONY: check
check: lint test ## Lint and test: what a change must pass

.PHONY: clean
clean: ## Remove what was built, the data of "make run" included
	rm -rf $(BUILD) $(BUILTINS) $(addprefix gateway/internal/plugin/project/_sources/,sdk wit examples)
