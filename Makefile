.PHONY: build test bench fuzz ci

build: ## one static binary
	CGO_ENABLED=0 go build -trimpath -o duban ./cmd/duban

test: ## what runs with nothing but Go
	go test ./...

bench: ## ratios against plain SQL, printed beside the times
	go test -run '^$$' -bench . -benchtime 1x ./...

fuzz: ## every fuzzer for FUZZTIME (one minute)
	.ci/fuzz $(or $(FUZZTIME),60s)

ci: ## everything, with real servers
	.ci/run
