# `make help` lists what there is to do. Works from any folder with `make -C`.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory

VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# A virtual environment of the caller's must not decide what is installed and run here.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH
# Nor that each of the many processes that tests start compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE
DEPLOY_VENV := .venv-deploy
WORKERS ?= 2  # pytest-xdist processes of `make test`

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

.PHONY: run
run: $(VENV)/.prod .env ## install, migrate, seed demo data into an empty database, serve on port 8000 (PORT)
	@flask db upgrade
	# Without DEBUG there is no demo data and no demo user; the catalogue runs all the same.
	flask demo seed --if-empty || echo 'make run: no demo data.' >&2
	exec gunicorn --config gunicorn.conf.py wsgi:app

.PHONY: test
test: $(VENV)/.dev ## run all tests twice: on SQLite files and on PostgreSQL, with a real Redis
	@failed=
	for database in sqlite postgresql; do
		pytest --database "$$database" --numprocesses $(WORKERS) $(ARGS) || failed+=" $$database"
	done
	if [ -n "$$failed" ]; then echo "make test: failed on$$failed" >&2; exit 1; fi

.PHONY: test-fuzz
test-fuzz: $(VENV)/.dev ## fuzz requests, sheets and images, on both databases
	@for database in sqlite postgresql; do
		pytest --database "$$database" --numprocesses $(WORKERS) tests/robustness $(ARGS)
	done

.PHONY: test-spec
test-spec: $(VENV)/.dev ## throw tens of thousands of cases at the whole document, as each role, on both databases (EXAMPLES)
	@for database in sqlite postgresql; do
		SPECIFICATION=full EXAMPLES=$(EXAMPLES) pytest --database "$$database" tests/specification $(ARGS)
	done

.PHONY: load
load: $(VENV)/.dev ## put the whole stack under twice the load that it can answer (SECONDS); needs nginx
	@python -m tests.robustness.harness load --seconds $(or $(SECONDS),600)

.PHONY: faults
faults: $(VENV)/.dev ## kill, cut, fill and step what the stack stands on, under load; needs nginx and root
	@python -m tests.robustness.harness faults

.PHONY: test-robustness
test-robustness: ## a minute of load, then every fault
	@$(MAKE) load SECONDS=60
	$(MAKE) faults

.PHONY: bench
bench: $(VENV)/.dev ## measure everything beside its references; some 30 minutes, needs wrk (ROUNDS, ROWS)
	@failed=
	for part in speed transfer images; do $(MAKE) bench-$$part || failed+=" $$part"; done
	if [ -n "$$failed" ]; then echo "make bench: aims missed in$$failed" >&2; exit 1; fi

.PHONY: bench-speed
bench-speed: $(VENV)/.dev ## measure requests a second beside a bare Flask, and what more rows cost (ROUNDS)
	@python -m bench.speed $(or $(ROUNDS),5)

.PHONY: bench-transfer
bench-transfer: $(VENV)/.dev ## measure imports and exports against bare statements (ROWS, ARGS=bulk for one part)
	@python -m bench.transfer --rows $(or $(ROWS),100000) $(ARGS) 2>/dev/null

.PHONY: bench-images
bench-images: $(VENV)/.dev ## measure uploads beside Pillow alone, and lists with images (ROUNDS)
	@python -m bench.images $(or $(ROUNDS),10) 2>/dev/null

.PHONY: image-test
image-test: $(VENV)/.dev $(DEPLOY_VENV)/.done ## build the container image without an engine and let it answer (as root; see docs/docker.md)
	@PATH="$$PATH:$(CURDIR)/$(DEPLOY_VENV)/bin" python -m tests.servers -- docker/test-image

.PHONY: bench-soak
bench-soak: $(VENV)/.dev ## the memory of the workers after a million requests (REQUESTS)
	@python -m bench.soak $(or $(REQUESTS),1000000)

.PHONY: lint
lint: $(VENV)/.dev ## check style, format and types
	@failed=
	ruff check . || failed=1
	ruff format --check . || failed=1
	mypy || failed=1
	[ -z "$$failed" ]

.PHONY: audit
audit: $(VENV)/.dev ## look for weaknesses in the code, for secrets, and for known vulnerabilities of dependencies
	@failed=
	bandit --quiet --configfile pyproject.toml --recursive ecatalog migrations wsgi.py gunicorn.conf.py || failed=1
	python -m tests.security.secrets || failed=1
	python -m tests.security.vulnerabilities || failed=1
	[ -z "$$failed" ]

.PHONY: access-table
access-table: $(VENV)/.dev ## measure who may call what, and write docs/access.md
	@python -m tests.access.table

.PHONY: format
format: $(VENV)/.dev ## put the code into its format
	@ruff check --fix .
	ruff format .

.PHONY: release
release: $(DEPLOY_VENV)/.done ## build the release that servers install (PYTHON_OF_SERVERS)
	@$(DEPLOY_VENV)/bin/python ansible/build_release.py --python $(or $(PYTHON_OF_SERVERS),3.11)

.PHONY: lint-deploy
lint-deploy: $(DEPLOY_VENV)/.done ## check the playbooks
	@cd ansible
	export PATH=$(CURDIR)/$(DEPLOY_VENV)/bin:$$PATH
	ansible-lint --offline --profile production --nocolor -q .

.PHONY: deploy-test
deploy-test: $(VENV)/.dev $(DEPLOY_VENV)/.done ## deploy to a booted Debian and back, as root (ARGS)
	@python -m tests.deploy.host $(ARGS)

.PHONY: lock
lock: $(VENV)/.dev ## pin the newest versions that requirements/*.in allow, with hashes
	@cd requirements
	for list in uv base prod s3 otel dev deploy; do
		# Universal: one lock for every platform and every Python from 3.11.0 on. No settings of this
		# machine (other indexes, local folders) may leave a trace in it.
		env -u UV_FIND_LINKS -u UV_INDEX -u UV_EXTRA_INDEX_URL UV_CUSTOM_COMPILE_COMMAND='make lock' \
			uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 --strip-extras \
			--generate-hashes --no-emit-index-url --no-emit-find-links --output-file $$list.txt $$list.in
	done

# Stamps say which lock file the environment was last brought to; dev.txt includes all of prod.txt.
$(VENV)/.prod: requirements/prod.txt | $(VENV)/bin/pip
	@echo 'Installing the dependencies …'
	requirements/install $(VENV) $<
	touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/bin/pip
	@echo 'Installing the dependencies and the tools of development …'
	requirements/install $(VENV) $<
	touch $@ $(VENV)/.prod

# Ansible has an environment of its own: neither the application nor its tests need it.
$(DEPLOY_VENV)/.done: requirements/deploy.txt
	@echo 'Installing what deploys …'
	for python in $${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
	done
	"$$python" -m venv --clear $(DEPLOY_VENV)
	requirements/install $(DEPLOY_VENV) $<
	touch $@

$(VENV)/bin/pip:
	@for python in $${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
			"$$python" -m venv --clear $(VENV) >/dev/null 2>&1 && exit 0
			rm -rf $(VENV)
			echo "make: '$$python -m venv' failed; on Debian and Ubuntu: apt install python3-venv" >&2
			exit 1
		fi
	done
	echo "make: Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3" >&2
	exit 1

.env:
	@umask 077
	python -c 'import secrets; print(f"""# Settings for development, made by `make run`; .env.example explains them all.
	SECRET_KEY={secrets.token_urlsafe(64)}
	DEBUG=True
	ALLOWED_HOSTS=localhost,127.0.0.1""")' > .env.new
	mv .env.new .env
	echo 'Made .env with settings for development.'
