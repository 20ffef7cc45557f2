# What you can ask for. The first target prints this list.
TAGS    := disable_grpc_modules,grpcnotrace
GO      := CGO_ENABLED=0 go
# Tests make much garbage and few of them need to know where; it is memory for time.
EASY    := GOGC=400 GODEBUG=memprofilerate=0
# What is compiled for one clone of this repository serves all others.
SHARED  := -trimpath -tags $(TAGS)
# The suites that must have tried something; see the table that closes a run.
SUITES  := K1,F1,E1,C1,D1,P1,M1,M2,M3,L1,T1,S1
SOAK    := $(SUITES),K2,F2
# Without inlining the AWS SDK is 1.2 MB smaller and Google's clients 0.4 MB; they wait for the network anyway.
BUILD   := -trimpath -tags $(TAGS) -ldflags="-s -w" -gcflags='github.com/aws/...=-l' -gcflags='google.golang.org/...=-l' -gcflags='cloud.google.com/...=-l'
CACHE   := $(CURDIR)/.cache
VENV    := $(CACHE)/venv
TOOLS   := $(CACHE)/tools
LINT    := v2.15.0
FUZZ    := 20s
# Judges that are not ours, pinned. None is a dependency of the program.
VERSITY := v1.8.0
MOTO    := moto[server]==5.2.1
AWSCLI  := awscli==1.46.3
CFNLINT := cfn-lint==1.58.0
GOOGLE  := google-auth==2.55.2 google-cloud-storage==3.12.1

.DEFAULT_GOAL := help
.PHONY: help build demo test race soak mutants bench conformance lint man golden clean

help: ## print this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

build: ## build bin/s3grant and bin/gcsgrant
	@$(GO) build $(BUILD) -o bin/ ./cmd/s3grant ./cmd/gcsgrant

demo: build ## see the whole job on a cloud inside the program: no account, no network
	@bin/s3grant demo
	@bin/gcsgrant demo

test: ## run every test; needs nothing but Go
	@$(GO) vet $(SHARED) ./...
	@$(EASY) $(GO) run ./cmd/internal/tally '$(SUITES)' go test -json $(SHARED) -timeout 10m ./...

race: ## run every test under the race detector (needs a C compiler)
	@$(EASY) go test -race -tags $(TAGS) -timeout 25m ./...

# A fuzzer whose time ends while it starts an input says so and fails (golang.org/issue/75804): no fault was found.
soak: ## run the long suites, then fuzz every target for a while; under 30 minutes
	@mkdir -p $(CACHE)
	@$(EASY) $(GO) run ./cmd/internal/tally '$(SOAK)' go test -json -count=1 -tags $(TAGS),soak -timeout 28m ./...
	@set -e; for f in $$(grep -rlE '^func Fuzz' --include='*_test.go' .); do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$f); do \
			echo "$$name in $$(dirname $$f)"; \
			$(GO) test -tags $(TAGS) -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZ) $$(dirname $$f) >$(CACHE)/fuzz 2>&1 || \
				{ grep -qx ' *context deadline exceeded' $(CACHE)/fuzz && ! grep -q 'Failing input' $(CACHE)/fuzz; } || { cat $(CACHE)/fuzz; exit 1; }; \
			tail -n 1 $(CACHE)/fuzz; \
		done; done

mutants: ## break what decides, piece by piece: a test has to notice
	@$(EASY) $(GO) test -tags $(TAGS),mutants -count=1 -timeout 30m -v -run EveryMutant ./cmd/internal/mutants

bench: build $(VENV)/.done ## measure beside what people use today, and what journal, lock and claim cost a run
	@PATH="$(VENV)/bin:$$PATH" BIN="$(CURDIR)/bin" $(GO) test -count=1 -v -tags $(TAGS),bench ./cmd/internal/bench
	@$(GO) test -count=1 -v -tags $(TAGS),bench -run GuardCosts ./providers/s3 ./providers/gcs

conformance: build $(VENV)/.done $(TOOLS)/versitygw-$(VERSITY)/versitygw ## be judged by a cloud and clients that are not ours (needs Python 3.9 or later)
	@PATH="$(VENV)/bin:$(TOOLS)/versitygw-$(VERSITY):$$PATH" BIN="$(CURDIR)/bin" $(GO) test -count=1 -v -tags $(TAGS),conformance -run Conformance -timeout 20m ./cmd/s3grant ./cmd/gcsgrant
	@PATH="$(VENV)/bin:$$PATH" $(EASY) $(GO) test -count=1 $(SHARED),conformance -timeout 20m ./providers/providertest/contract ./providers/s3 ./providers/gcs

$(VENV)/.done: Makefile
	@mkdir -p $(CACHE) && rm -rf $(VENV)
	@python3 -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check '$(MOTO)' '$(AWSCLI)' '$(CFNLINT)' $(GOOGLE)
	@touch $@

$(TOOLS)/versitygw-$(VERSITY)/versitygw:
	@GOBIN=$(@D) $(GO) install github.com/versity/versitygw/cmd/versitygw@$(VERSITY)

lint: $(TOOLS)/golangci-lint-$(LINT) ## run the linters
	@$(TOOLS)/golangci-lint-$(LINT) run --build-tags $(TAGS) ./...
	@$(TOOLS)/golangci-lint-$(LINT) run --build-tags $(TAGS),conformance,bench,soak,mutants ./...

$(TOOLS)/golangci-lint-$(LINT):
	@mkdir -p $(TOOLS)
	@GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)
	@mv $(TOOLS)/golangci-lint $@

man: build ## write the man pages to bin/man
	@bin/s3grant man bin/man
	@bin/gcsgrant man bin/man

golden: ## rewrite the goldens after a deliberate change of a policy; review the difference like code
	@$(GO) test -tags $(TAGS) ./providers/s3 ./providers/gcs -run Golden -update

clean: ## remove what the other targets made
	@rm -rf bin $(CACHE)
