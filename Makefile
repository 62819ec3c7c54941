# The one definition of every check; CI runs the same targets.
.POSIX:
.PHONY: help install run claims test lowest check format tables docs golden bench bench-gpu soak

PYTHON = python3
BIN = .venv/bin
DOCS = PYTHONPATH=tests $(BIN)/python -m docs_blocks
NEW_ENOUGH = import sys; sys.version_info >= (3, 11) or sys.exit("needs Python 3.11 or newer: make PYTHON=python3.12")
PYTEST = OMP_NUM_THREADS=1 $(BIN)/pytest
LOWEST = .venv-lowest/bin
LOWEST_PYTHON = import sys; sys.version_info[:2] == (3, 11) or sys.exit("needs Python 3.11: make lowest PYTHON=python3.11")
# A part of the suite for each library: it must work, but what it warns of, or draws byte for byte, is its version's.
LOWEST_TESTS = \
	tests/cli/test_commands.py tests/contracts/test_command_contract.py tests/own_code \
	tests/storage/test_lock.py tests/storage/files tests/study/test_load.py \
	tests/report/test_figures.py tests/report/test_progress.py tests/report/test_render.py tests/report/test_report.py \
	tests/training/recorders tests/training/test_loop.py tests/training/test_experiment.py \
	tests/training/stack/test_shared_numbers.py tests/parts/norms tests/norm_swap/test_swap.py \
	tests/evidence/statistics/test_pooled_effect.py tests/evidence/statistics/test_signed_rank.py \
	tests/finite_data tests/parts/finite_data/test_arrays.py tests/parts/finite_data/test_own_data.py

# The studies whose decided claims are run a second time, on new seeds.
SECOND_RUNS = \
	configs/b01_*.yaml configs/b03_*.yaml configs/b05_*.yaml configs/b06_*.yaml configs/b08_*.yaml \
	configs/b10_*.yaml configs/b13_*.yaml configs/b17_*.yaml configs/b24_*.yaml configs/r*.yaml
WITH_CLAIMS = grep -l '^claims:' configs/*.yaml

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

install: .venv/installed ## make .venv and install normbench with the tested versions of everything

.venv/installed: pyproject.toml constraints.txt normbench/__init__.py
	test -x $(BIN)/python || { $(PYTHON) -c '$(NEW_ENOUGH)' && $(PYTHON) -m venv .venv; }
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev,data]'
	touch .venv/installed

run: install ## train LeNet with batch norm on the banknotes, then compare what lies in runs/
	$(BIN)/normbench run configs/lenet_bn.yaml
	$(BIN)/normbench compare

claims: install ## judge all claims of configs/ anew and write RESULTS.md: hours; again, it goes on where it stopped
	$(BIN)/normbench run $$($(WITH_CLAIMS) | xargs grep -L '^tune:') --jobs 2
	$(BIN)/normbench run $$($(WITH_CLAIMS) | xargs grep -l '^tune:') --tuning-sensitivity --jobs 2
	$(BIN)/normbench run $$(grep -l '^claims:' $(SECOND_RUNS)) --second-run --jobs 2
	$(BIN)/normbench claims $$($(WITH_CLAIMS)) --markdown configs/RESULTS.md

test: install ## the whole suite
	$(PYTEST)

lowest: ## the least versions of everything: the command, a run, a comparison and a part of the suite, in .venv-lowest
	test -x $(LOWEST)/python || { $(PYTHON) -c '$(LOWEST_PYTHON)' && $(PYTHON) -m venv .venv-lowest; }
	PYTHONPATH=tests $(LOWEST)/python -m lowest_versions
	$(LOWEST)/python -m pip install --disable-pip-version-check -c constraints-lowest.txt -e '.[dev,data]'
	rm -rf .venv-lowest/runs
	$(LOWEST)/normbench run configs/lenet_bn.yaml --set num_steps=50 --runs-dir .venv-lowest/runs
	$(LOWEST)/normbench compare --runs-dir .venv-lowest/runs
	OMP_NUM_THREADS=1 $(LOWEST)/pytest -o filterwarnings=default --disable-warnings $(LOWEST_TESTS)

check: install ## style, types, imports between modules and docs; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(DOCS) check

format: install ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

tables: install ## write the generated lists of README.md and docs/ again, without running the commands they show
	$(DOCS) refresh

docs: install ## write the generated parts of README.md and docs/ again, running their commands: some minutes
	$(DOCS) write

golden: install ## write tests/golden again; read the difference before you commit it
	NORMBENCH_GOLDEN=1 $(PYTEST)

bench: install ## benchmarks: a few minutes, no test
	for file in tests/bench/bench_*.py; do $(BIN)/python "$$file" || exit 1; done

bench-gpu: install ## steps a second of many networks at once, on a GPU
	$(BIN)/python tests/bench/bench_gpu.py

soak: install ## kill commands, fail the disk and forge folders everywhere, draw from many laws: hours, no test
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak/soak_kills.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak/soak_together.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak/soak_forged.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak/soak_disk.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak/soak_verdicts.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak/soak_folders.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak/soak_finite_data.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak/soak_ray.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak/soak_numbers.py
