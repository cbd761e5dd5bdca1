# Everything goes through here; `make help` lists it. Environments live in .venv/, made on first use.
#
# PYTHON makes them: 3.11 or newer. 3.9 and 3.13, which Splunk runs, are found by themselves.

PYTHON ?= python3
DEV    := .venv/dev/bin/python

# Only make's own targets here: nothing is a file, every tool knows by itself what is up to date.
.PHONY: help setup generate check-generated goldens check-goldens detections prove-detections sigma lint test package push release gates proof preview browser pictures demo bench growth capacity clean
.DEFAULT_GOAL := help

help: ## what can be done
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target text; do printf '  make %-16s %s\n' "$$target" "$$text"; done

setup: ## every environment, and the libraries that ship
	@$(PYTHON) -m tools.build.environments dev moto appinspect slim cim ocsf sigma release py39 py313
	@$(DEV) -m tools.build.vendor

generate: ## lookups, blocks of default/*.conf and pages of docs/ from mappings/, detections/, dashboards/
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m tools.generate
	@$(DEV) -m tools.bench.capacity page

check-generated: ## fails if a generated file does not follow from mappings/, detections/, dashboards/
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m tools.generate --check
	@$(DEV) -m tools.bench.capacity page --check

goldens: ## tests/default/golden anew; then read the difference line by line
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m tools.content.goldens
	GOLDEN=write $(DEV) -m pytest -q tests/default/test_completeness_report.py

check-goldens: ## fails if tests/default/golden does not follow from the configuration
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m tools.content.goldens --check

detections: generate ## every detection over its samples; some seconds
	PYTHONPATH=bin $(DEV) -m tools.content.detections

prove-detections: ## every detection over the sample trail and a quiet month of 200,000 records; minutes
	@$(PYTHON) -m tools.build.environments dev
	PYTHONPATH=bin $(DEV) -m tools.proof.backtest

sigma: ## dist/sigma: the detections as Sigma rules, each run over its samples; pipelines for ECS and OCSF
	@$(PYTHON) -m tools.build.environments dev sigma
	PYTHONPATH=bin $(DEV) -m tools.build.sigma

lint: ## ruff, mypy --strict, cfn-lint
	@$(PYTHON) -m tools.build.environments dev
	$(DEV) -m ruff check
	$(DEV) -m ruff format --check
	$(DEV) -m mypy
	$(dir $(DEV))cfn-lint iam/*.yaml push/*.yaml

test: ## pytest: everything on our Python, the shipped code on 3.9 and 3.13 too
	@$(PYTHON) -m tools.build.environments dev moto slim cim ocsf sigma release py39 py313
	@$(DEV) -m tools.build.vendor
	$(DEV) -m pytest -q -n auto --dist loadfile
	@$(DEV) -m tools.checks.shipped_tests

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
	@$(PYTHON) -m tools.build.environments dev appinspect slim
	@$(DEV) -m tools.checks.gates

proof: ## the guarantee under attack: peers' faults as mutants, random lives, kill -9; takes minutes
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.build.vendor
	@$(DEV) -m tools.proof

preview: ## the dashboards in a browser on this machine, over a made-up week; PORT=8033
	@$(PYTHON) -m tools.build.environments dev
	@PYTHONPATH=bin $(DEV) -m tools.demo.dashboard_preview $(if $(PORT),--port $(PORT))

browser: ## every view in Chromium, both themes, two widths, clicked through; pictures in build/browser
	@$(PYTHON) -m tools.build.environments dev
	@PYTHONPATH=bin $(DEV) -m tools.checks.browser

pictures: ## docs/dashboards from what make browser saw; look at them
	@$(PYTHON) -m tools.build.environments dev
	@PYTHONPATH=bin $(DEV) -m tools.checks.pictures

demo: ## the whole thread on this machine; AWS=1 REGION=... [LOG_GROUP=...] for your own account
	@$(PYTHON) -m tools.build.environments dev moto
	@$(DEV) -m tools.demo $(if $(filter-out 0,$(AWS)),--aws) $(if $(REGION),--region "$(REGION)") \
		$(if $(LOG_GROUP),--log-group "$(LOG_GROUP)")

bench: ## the collector beside the loops that inputs are usually made of; PARTS="speed command views"
	@$(PYTHON) -m tools.build.environments dev py39 py313 bench bench39 bench313
	@$(DEV) -m tools.build.vendor
	@PYTHONPATH=bin $(DEV) -m tools.bench $(PARTS)

growth: ## the state of a group over 10 million records and 100 days; takes minutes
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.build.vendor
	@$(DEV) -m tools.bench.growth

capacity: ## what an installation needs; CLUSTERS=40 HSMS=6 RECORDS=200000 (a day, of each HSM) REGION=eu-west-1
	@$(PYTHON) -m tools.build.environments dev
	@$(DEV) -m tools.bench.capacity model --clusters $(or $(CLUSTERS),1) --hsms $(or $(HSMS),2) \
		--records-per-day $(or $(RECORDS),10000) $(if $(REGION),--region "$(REGION)")

clean: ## removes what was built; environments stay (rm -r .venv)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
