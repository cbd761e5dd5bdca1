# Every task has a target; `make help` lists them. Environments are in .venv/, made on first use.
#
# PYTHON makes them: 3.11 or newer. 3.9 and 3.13, which Splunk runs, are found automatically.

PYTHON ?= python3
DEV    := .venv/dev/bin/python

# No target is a file: every tool knows what is up to date.
.PHONY: help setup lock check generate check-generated goldens check-goldens detections prove-detections sigma lint prose test coverage package push release gates proof preview browser pictures demo first-run bench growth capacity clean
.DEFAULT_GOAL := help

SETTINGS := PYTHON T AWS REGION LOG_GROUP PORT PARTS DRAFT EVERY CLUSTERS HSMS RECORDS
UNKNOWN := $(filter-out $(SETTINGS),$(foreach word,$(MAKEOVERRIDES),$(if $(findstring =,$(word)),$(firstword $(subst =, ,$(word))))))
ifneq ($(strip $(UNKNOWN)),)
$(error No target has a setting $(UNKNOWN); there are $(SETTINGS), see `make help`)
endif
ifeq ($(shell command -v "$(PYTHON)"),)
$(error $(PYTHON) was not found; install Python 3.11 or newer, or run `make PYTHON=/path/to/python3.11 ...`)
endif

.DEFAULT:
	@echo "make: there is no target '$@'; \`make help\` lists all" >&2; exit 2

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target text; do printf '  make %-16s %s\n' "$$target" "$$text"; done

setup: ## every environment, and the libraries that ship
	@$(PYTHON) -m tools.build.environments dev moto appinspect slim checkov cim ocsf sigma release py39 py313
	@$(DEV) -m tools.build.vendor

lock: ## requirements/*.txt from requirements/*.in, with hashes
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.build.lock

check: ## while you work, under a minute: ruff, mypy, prose, generated files, fast unit tests
	@$(PYTHON) -m tools.build.environments dev moto slim cim ocsf sigma py39 py313
	@$(DEV) -m tools.build.vendor
	@$(DEV) -m tools.checks.quick

generate: ## lookups, blocks of default/*.conf and pages of docs/ from mappings/, detections/, dashboards/
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m tools.generate
	@$(DEV) -m tools.bench.capacity page
	@$(DEV) -m tools.build.vendor
	@$(DEV) -m tools.troubleshooting

check-generated: ## fails if a generated file does not follow from mappings/, detections/, dashboards/
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m tools.generate --check
	@$(DEV) -m tools.bench.capacity page --check
	@$(DEV) -m tools.build.vendor
	@$(DEV) -m tools.troubleshooting --check

goldens: ## tests/default/golden anew; then read the difference line by line
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m tools.content.goldens
	GOLDEN=write $(DEV) -m pytest -q tests/default/test_completeness_report.py

check-goldens: ## fails if tests/default/golden does not follow from the configuration
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m tools.content.goldens --check

detections: generate ## every detection over its samples; some seconds
	$(DEV) -m tools.content.detections

prove-detections: ## every detection over stories of attacks, the sample trail and quiet months; minutes
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m tools.proof.backtest
	$(DEV) -m tools.proof.stories

sigma: ## dist/sigma: the detections as Sigma rules, each run over its samples; pipelines for ECS and OCSF
	@$(PYTHON) -m tools.build.environments dev sigma
	$(DEV) -m tools.build.sigma

lint: ## ruff, mypy --strict, cfn-lint, prose
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m ruff check
	$(DEV) -m ruff format --check
	$(DEV) -m mypy
	$(dir $(DEV))cfn-lint --regions eu-west-1 us-gov-west-1 cn-north-1 -- iam/*.yaml push/*.yaml
	@$(DEV) -m tools.checks.prose

prose: ## takes reworded texts out of the baseline of the prose check
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.checks.prose --write

test: ## every test on our Python, those of the shipped code on 3.9 and 3.13; T=tests/... runs a part
	@$(PYTHON) -m tools.build.environments dev moto slim cim ocsf sigma release py39 py313
	@$(DEV) -m tools.build.vendor
ifdef T
	@for test in $(T); do case "$$test" in \
		*/*) [ -e "$${test%%::*}" ] || { echo "make test: $$test does not exist; correct form: make test T=tests/bin" >&2; exit 2; };; \
		esac; done
	$(DEV) -m pytest -q $(T)
else
	$(DEV) -m pytest -q -n 3 --dist loadfile
	@$(DEV) -m tools.checks.shipped_tests
endif

coverage: ## how much of bin/ the tests run (some tests of full disks fail while it writes): build/coverage/html/index.html
	@$(PYTHON) -m tools.build.environments dev moto slim cim ocsf sigma release py39 py313
	@$(DEV) -m tools.build.vendor
	@rm -rf build/coverage
	-$(DEV) -m coverage run -m pytest -q -n auto --dist loadfile tests/bin tests/guarantee
	@$(DEV) -m coverage combine -q
	@$(DEV) -m coverage html -q
	@$(DEV) -m coverage report --skip-covered

package: ## dist/TA-aws-cloudhsm-<version>.tar.gz
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.build.package

push: ## dist/cloudhsm-push-<version>.zip and cloudhsm-push.yaml: what pushes into HEC; see docs/push.md
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.build.push

release: ## dist/release-<version>: package, bill of materials, checksums, release notes; DRAFT=1
	@$(PYTHON) -m tools.build.environments dev release
	@$(DEV) -m tools.build.release $(if $(filter-out 0,$(DRAFT)),--draft)

gates: ## what the package must hold: AppInspect, slim, and what they cannot see
	@$(PYTHON) -m tools.build.environments dev appinspect slim checkov
	@$(DEV) -m tools.checks.gates

proof: ## the guarantee under attack: peers' faults as mutants, random lives, kill -9; takes minutes
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.build.vendor
	@$(DEV) -m tools.proof

preview: ## the dashboards in a browser on this machine, over a made-up week; PORT=8033
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.demo.dashboard_preview $(if $(PORT),--port $(PORT))

browser: ## every view in Chromium, both themes, two widths, clicked through; pictures in build/browser
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.checks.browser

pictures: ## docs/dashboards from what make browser saw; look at them
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.checks.pictures

demo: ## the whole thread on this machine; AWS=1 REGION=... [LOG_GROUP=...] for your own account
	@$(PYTHON) -m tools.build.environments dev moto
	@$(DEV) -m tools.demo $(if $(filter-out 0,$(AWS)),--aws) $(if $(REGION),--region "$(REGION)") \
		$(if $(LOG_GROUP),--log-group "$(LOG_GROUP)")

first-run: ## a first `make demo`, interrupted every 5 s of its start and run again; EVERY=2
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.checks.interrupted_setup --every $(or $(EVERY),5)

bench: ## the collector beside the loops that inputs are usually made of; PARTS="speed command views"
	@$(PYTHON) -m tools.build.environments dev py39 py313 bench bench39 bench313
	@$(DEV) -m tools.build.vendor
	@$(DEV) -m tools.bench $(PARTS)

growth: ## the state of a group over 10 million records and 100 days; takes minutes
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.build.vendor
	@$(DEV) -m tools.bench.growth

capacity: ## what an installation needs; CLUSTERS=40 HSMS=6 RECORDS=200000 (a day, of each HSM) REGION=eu-west-1
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.bench.capacity model --clusters $(or $(CLUSTERS),1) --hsms $(or $(HSMS),2) \
		--records-per-day $(or $(RECORDS),10000) $(if $(REGION),--region "$(REGION)")

clean: ## removes what was built; environments stay (.venv, node_modules)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find bin emulator push samples tests tools -name node_modules -prune -o -name __pycache__ -exec rm -rf {} +
