# Everything that a person or a machine does with this source. Each target does its own set-up.
# GNU make 3.81 or newer, any POSIX shell.

PREFIX ?= /usr/local
BINDIR = $(DESTDIR)$(PREFIX)/bin
SHARE = $(DESTDIR)$(PREFIX)/share
TARGET = $(or $(CARGO_TARGET_DIR),target)
RELEASE = $(TARGET)/release
DEBUG = $(TARGET)/debug
DEMO = $(TARGET)/demo
CARGO = cargo
CHROMIUM = chromium

.DEFAULT_GOAL = help
.PHONY: help need build demo test test-agents torture fuzz bench fmt lint man picture install uninstall clean

help:
	@echo 'make demo       build, then run the whole job on a small product, offline; says where the proof is'
	@echo 'make test       every test; those with the real claude and codex where npm is there'
	@echo 'make test-agents  only those: installs both into a cache (760 MB, once) and drives them offline'
	@echo 'make torture    the long tests: 100,000 simulated landings, every fault at every crash point'
	@echo 'make fuzz       each fuzz target for a minute (needs cargo-fuzz); see docs/testing.md'
	@echo 'make bench      what it costs, as a table in docs/performance.md; QUICK=1: smaller, only printed'
	@echo 'make build      $(RELEASE)/otto and its names'
	@echo 'make install    into PREFIX ($(PREFIX)); make uninstall takes it away'
	@echo 'make fmt        format; make lint: fmt --check and clippy, warnings are errors'
	@echo 'make man        refresh the manual pages and docs/spec.schema.json'
	@echo 'make picture    docs/images/proof.png from a fresh demo (needs chromium)'
	@echo 'make clean      remove $(TARGET)'

need:
	@sh tests/need.sh

# The names are hard links: a program finds the others beside itself.
build: need
	$(CARGO) build --release --locked
	@cd $(RELEASE) && for name in $$(./otto pages --names); do ln -f otto "$$name" || exit 1; done
	@echo "$(RELEASE)/otto"

demo: build
	@$(RELEASE)/otto demo --dir $(DEMO) --fresh

test: need
	$(CARGO) build --locked
	$(CARGO) test --locked
	sh tests/docs.sh
	sh tests/demo-mutants.sh
	sh tests/readme.sh $(DEBUG)/otto
	sh tests/agents.sh

# With CI set it fails where it would be skipped.
test-agents: need
	sh tests/agents.sh

# What takes longer than anybody waits for before a commit. Each line is one long test.
torture: need
	OTTO_SIM_LANDINGS=100000 $(CARGO) test --locked --release --test it sim::thousands -- --nocapture
	OTTO_TORTURE=1 $(CARGO) test --locked --test it -- crash:: rot:: real_faults:: system_calls:: --nocapture

# The fuzz targets are a workspace of their own. RUSTC_BOOTSTRAP lets a stable compiler instrument.
TARGETS = $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
FUZZ_SECONDS = 60
fuzz: need
	@for target in $(TARGETS); do \
	    RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run -s none "$$target" -- \
	        -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=10 || exit 1; \
	done

# Drives the release programs; wants a quiet machine and some gigabytes of disk under $(TARGET).
bench: need
	$(CARGO) bench --locked --bench price -- $(if $(QUICK),--quick,--write)

fmt: need
	$(CARGO) fmt

lint: need
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --locked -- -D warnings

man: need
	$(CARGO) build --locked
	$(DEBUG)/otto pages --man man
	OTTO_UPDATE=1 $(CARGO) test --locked --lib the_committed_schema

# The page of a real run at 1440 wide: its first screen.
picture: demo
	@proof=$$(ls -t $(DEMO)/expenses/otto_logs/sessions/*/proof-packet.html | head -n 1) && \
	$(CHROMIUM) --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1440,1000 \
	    --screenshot=docs/images/proof.png "file://$$(cd "$${proof%/*}" && pwd)/proof-packet.html"

install: build
	mkdir -p $(BINDIR) $(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/man/man7
	cp $(RELEASE)/otto $(BINDIR)/otto.new && chmod 755 $(BINDIR)/otto.new
	mv -f $(BINDIR)/otto.new $(BINDIR)/otto
	@cd $(BINDIR) && for name in $$(./otto pages --names); do ln -f otto "$$name" || exit 1; done
	cp man/*.1 $(SHARE)/man/man1/
	cp man/*.5 $(SHARE)/man/man5/
	cp man/*.7 $(SHARE)/man/man7/
	$(BINDIR)/otto pages --completions $(SHARE)

uninstall:
	@test -x $(BINDIR)/otto || { echo "there is no otto in $(BINDIR)" >&2; exit 1; }
	@for name in $$($(BINDIR)/otto pages --names) otto; do \
	    rm -f $(BINDIR)/$$name $(SHARE)/man/man1/$$name.1 \
	        $(SHARE)/bash-completion/completions/$$name \
	        $(SHARE)/zsh/site-functions/_$$name \
	        $(SHARE)/fish/vendor_completions.d/$$name.fish || exit 1; \
	done
	rm -f $(SHARE)/man/man5/otto-formats.5 $(SHARE)/man/man7/otto.7

clean:
	$(CARGO) clean
