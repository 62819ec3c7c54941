"""Folders with very many runs: copies of one run that was trained, with numbers that differ by arm and seed."""

import csv
import json
import random
import shutil
import subprocess
import sys
from functools import cached_property
from hashlib import sha256

from normbench.scheduling.plan import Plan, make_plan, on_device, write_study_files
from normbench.storage.files.json_files import sealed
from normbench.storage.identity import IDENTITY_JSON
from normbench.storage.run_folder import (
    ARM_JSON,
    CONFIG_YAML,
    ENVIRONMENT_JSON,
    LAYER_STATS_CSV,
    METRICS_CSV,
    STUDY_JSON,
    SUMMARY_JSON,
)
from normbench.study.load import load_study

STUDY = """\
# Which learning rate, of very many?
study: {name}
model: {{name: mlp, hidden_features: [8, 8]}}
dataset: linear_regression
batch_size: 5
num_steps: 200
recording: {{tensorboard: false, figures: false}}
"""
ARMS = "grid: {{optimizer.lr: [{lrs}]}}\nbaseline: {{optimizer.lr: {first}}}\nseeds: {num_seeds}\n"
NUM_LAYER_ROWS = 10
COPIED = (CONFIG_YAML, ENVIRONMENT_JSON)


class Template:
    """A run that was trained, of which others are copies."""

    def __init__(self, folder):
        self.summary = json.loads((folder / SUMMARY_JSON).read_text())
        del self.summary["sha256"]
        with (folder / METRICS_CSV).open(newline="") as file:
            self.header, *rows = csv.reader(file)
        self.rows = [[step, *(float(cell) if cell else None for cell in cells)] for step, *cells in rows]
        lines = (folder / LAYER_STATS_CSV).read_bytes().splitlines(keepends=True)
        self.copied = {name: (folder / name).read_bytes() for name in COPIED}
        self.copied[LAYER_STATS_CSV] = b"".join(lines[: NUM_LAYER_ROWS + 1])

    @cached_property
    def _body(self):
        """summary.json before its seal, with words in place of what differs."""
        digests = {name: sha256(raw).hexdigest() for name, raw in self.copied.items() if name.endswith(".csv")}
        digests[METRICS_CSV] = "DIGEST"
        last = {name: f"LAST {name}" for name in self.header[1:]}
        own = {"seed": "SEED", "identity": "IDENTITY", "files": digests, "metrics": last}
        return json.dumps({**self.summary, **own}, indent=2).removesuffix("\n}")

    def write(self, folder, seed, identity, factor):
        """Write a run whose losses are larger by a factor."""
        folder.mkdir()
        rows = [[step, *("" if x is None else repr(x * factor) for x in cells)] for step, *cells in self.rows]
        metrics = "".join(f"{','.join(row)}\n" for row in [self.header, *rows]).encode()
        body = self._body.replace("DIGEST", sha256(metrics).hexdigest())
        body = body.replace('"SEED"', str(seed)).replace("IDENTITY", identity)
        for name, value in zip(self.header[1:], rows[-1][1:], strict=True):
            body = body.replace(f'"LAST {name}"', value)
        for name, raw in {**self.copied, METRICS_CSV: metrics, SUMMARY_JSON: sealed(body).encode()}.items():
            (folder / name).write_bytes(raw)


def train_one(folder):
    """Return a run with the settings of the studies, trained if it is not there yet."""
    path = folder / "one.yaml"
    path.write_text(STUDY.format(name="one"))
    command = [sys.executable, "-m", "normbench", "run", path, "--runs-dir", folder / "one"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (summary,) = (folder / "one").glob(f"*/*/*/{SUMMARY_JSON}")
    return Template(summary.parent)


def make_runs(folder, num_studies, num_arms, num_seeds):
    """Write the runs that are not there yet under ``runs``: every study of arms x seeds; return the first's file."""
    path, template = folder / "study.yaml", train_one(folder)
    lrs = [round(0.01 + 0.0001 * arm, 6) for arm in range(num_arms)]
    arms = ARMS.format(lrs=", ".join(map(str, lrs)), first=lrs[0], num_seeds=num_seeds)
    path.write_text(STUDY.format(name="study-0") + arms)
    plan = make_plan(on_device(load_study(path), folder / "runs")[0], folder / "runs")
    write_study_files(plan)
    numbers = {name: arm for arm, name in enumerate(plan.folders.values())}
    for study in range(num_studies):
        target = plan.folder.with_name(f"study-{study}")
        if study:
            copy_study(plan, target)
        for run in plan.runs:
            run_folder = target / run.folder.parent.name / run.folder.name
            if not run_folder.exists():
                factor = factor_of(study, numbers[run.folder.parent.name], run.seed)
                template.write(run_folder, run.seed, run.identity.sha256, factor)
    return path


def factor_of(study, arm, seed):
    """Return by how much a run's losses are larger: the best of the arms is somewhere among the first."""
    draw = random.Random(f"{study} {arm} {seed}")
    of_arm = 0.02 * abs(arm - 3 - study % 5) ** 0.5
    return 2.0 ** (of_arm + 0.1 * random.Random(seed).gauss() + 0.1 * draw.gauss())


def copy_study(plan: Plan, target):
    """Write study.json and the arms' files of a study with another name."""
    for name in plan.folders.values():
        (target / name).mkdir(parents=True, exist_ok=True)
        for file in (ARM_JSON, IDENTITY_JSON):
            shutil.copy(plan.folder / name / file, target / name / file)
    text = (plan.folder / STUDY_JSON).read_text()
    (target / STUDY_JSON).write_text(text.replace(f'"{plan.study.name}"', f'"{target.name}"', 1))
