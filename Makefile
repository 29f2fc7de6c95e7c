# The menu. Every target first makes sure of Node, npm packages and, where a cluster is used, Debian packages (hack/bootstrap.sh).
CLUSTER ?= demo
RUN := hack/bootstrap.sh
RUN_CLUSTER := hack/bootstrap.sh --cluster

.DEFAULT_GOAL := help
.PHONY: help demo down check test e2e generate verify conformance bench chaos cluster-up cluster-down cluster-status image clean-cache

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{ printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Bring everything up and use a tenant's cluster; again is quick and changes nothing
	@$(RUN_CLUSTER) node hack/demo.ts

down: ## Take the demo away and leave the machine as it was
	@$(RUN_CLUSTER) node hack/cluster.ts down --name demo

check: ## Types, lint, format, dead code, unit tests: under 30 s
	@$(RUN) node hack/check.ts

test: ## All tests on clusters of their own, which go away after (KEEP=1 keeps them; SUITES="unit e2e/access.e2e.ts" runs only these; LANES=1 uses one)
	@$(RUN_CLUSTER) node hack/test.ts $(SUITES)

e2e: ## Only the end-to-end tests, on the kept test clusters
	@KEEP=1 $(RUN_CLUSTER) node hack/test.ts e2e

generate: ## Write everything that is generated
	@$(RUN) node hack/generate.ts

verify: ## Fail when something generated is not up to date
	@$(RUN) node hack/generate.ts --check

conformance: ## Tests of Kubernetes in a tenant and in super, compared (FOCUS=regexp SHARD=1/4 VERSION=v1.36.3)
	@$(RUN_CLUSTER) node hack/conformance.ts $(if $(FOCUS),--focus '$(FOCUS)') $(if $(SHARD),--shard $(SHARD)) $(if $(VERSION),--version $(VERSION)) --report docs/conformance.md

bench: ## Compare Berth with direct creation and with an ideal client, then measure control planes of tenants, HTTP API, jobs, webhooks and CLI
	@$(RUN_CLUSTER) node bench/run.ts
	@$(RUN_CLUSTER) node bench/planes.ts
	@$(RUN_CLUSTER) node bench/neighbours.ts
	@$(RUN_CLUSTER) node bench/platform.ts

chaos: ## Kill parts of everything under load, then prove that nothing was lost (MINUTES=30 SEED=7 ONLY=etcd,syncer CLUSTER=chaos KEEP=1)
	@$(RUN_CLUSTER) node chaos/run.ts --cluster $(if $(filter file,$(origin CLUSTER)),chaos,$(CLUSTER)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(filter 1,$(KEEP)),--keep)

cluster-up: ## Bring up or repair the local cluster CLUSTER (demo)
	@$(RUN_CLUSTER) node hack/cluster.ts up --name $(CLUSTER)

cluster-down: ## Take the local cluster CLUSTER away with everything it left
	@$(RUN_CLUSTER) node hack/cluster.ts down --name $(CLUSTER)

cluster-status: ## What runs and what is missing of the local cluster CLUSTER
	@$(RUN_CLUSTER) node hack/cluster.ts status --name $(CLUSTER)

image: ## Build the Berth image and print where its archive lies
	@$(RUN_CLUSTER) node hack/berth-image.ts

clean-cache: ## Remove binaries, images and Node from the cache; building them again takes about 20 minutes
	@rm -rf "$${BERTH_CACHE_DIR:-$$HOME/.cache/berth}"
