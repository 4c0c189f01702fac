# One command each; `make help` lists them. Needs nothing but make and Python 3.11 or newer.
PYTHON ?= python3
PREPARED = $(PYTHON) -m deploy.local.bootstrap
RUN = $(PREPARED) --programs

.PHONY: help up down status demo test faults cluster bench audit saboteurs fuzz supply proof

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

up: ## start the stack (sets everything up first), show the addresses
	@$(RUN) deploy.local up

down: ## stop the stack; CLEAN=1 removes its data, too
	@$(PREPARED) deploy.local down $(if $(CLEAN),--clean)

status: ## what runs, since when, how often restarted
	@$(PREPARED) deploy.local status

demo: up ## play a purchase end to end, leave the stack running
	@$(PREPARED) deploy.demo

test: ## every check and every test, as in CI
	@$(RUN) deploy.checks

faults: up ## 1,000 purchases, 60 kills; cuts, pauses, full disks, slow, clocks, repeats; ORDERS=, KILLS=, SEED=; LONG=1
	@rm -f .local/audit/faults.jsonl
	@ORDERS=$(or $(ORDERS),$(if $(LONG),10000,1000)) KILLS=$(or $(KILLS),$(if $(LONG),600,60)) SEED=$(or $(SEED),20261122) .venv/bin/python -m pytest -q -s tests/faults; seen=$$?; .venv/bin/python -m proof.faults && exit $$seen

audit: $(if $(AGAINST),,up) ## prove the promises against the running stack; AGAINST=URL the safe part against a deployment
	@$(PREPARED) proof.audit $(if $(AGAINST),--against $(AGAINST)) $(if $(ONLY),--only $(ONLY))

cluster: ## three members and three nodes on this machine, broken under load; needs root and iproute2
	@$(RUN) deploy.cluster

saboteurs: up ## break each rule in turn and see that its check fails; ONLY=name,name some of them
	@$(PREPARED) proof.saboteurs $(if $(ONLY),--only $(ONLY))

fuzz: up ## schemathesis over the four contracts, as guest, customer and each role; EXAMPLES=100 for a long run
	@$(PREPARED) proof.fuzz $(if $(EXAMPLES),--examples $(EXAMPLES))

supply: ## licences of what is shipped, secrets in the sources, versions below an advisory
	@$(PREPARED) proof.supply

proof: audit saboteurs fuzz supply faults ## all that shows that the promises are kept: an hour and more
	@$(PREPARED) proof.sslscan && $(PREPARED) proof.sslyze

bench: up ## measure beside the raw limit; ONLY=auth (or checkouts ...) a part of it
	@$(PREPARED) bench $(if $(ONLY),--only $(ONLY))
