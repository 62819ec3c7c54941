"""What handing out runs costs: CPU seconds of the command's own process and of claiming, for 1,000 runs of one step.

The same runs are made by two worker processes (what this process spends is the scheduler's), and then by this process
with nothing trained (what is left is claiming, signs of life and tidying up).

    .venv/bin/python tests/bench/bench_scheduling.py [runs]
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

os.environ["OMP_NUM_THREADS"] = "1"

from normbench.scheduling import one_job
from normbench.scheduling.executors.processes import Processes
from normbench.scheduling.plan import make_plan
from normbench.scheduling.run_result import RunOptions
from normbench.scheduling.schedule import run_study
from normbench.study.load import load_study

NUM_RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
BOUND_MS = 5.0
STUDY = """\
model: {name: mlp, hidden_features: [4]}
dataset: linear_regression
batch_size: 5
num_steps: 1
recording: {tensorboard: false, figures: false}
"""


def milliseconds(action):
    """Return CPU milliseconds a run that this process takes for all of them."""
    started = time.process_time()
    action()
    return (time.process_time() - started) * 1000 / NUM_RUNS


def handed_out(study, folder):
    """Make all runs by two processes."""
    with Processes(2) as executor:
        results = run_study(study, folder, executor=executor)
    assert {progress.status for progress in results} == {"finished"}


def only_claimed(study, folder):
    """Go through all that is done around a run but for making it."""
    with patch.object(one_job, "run_experiment", lambda *_, **__: {"status": "finished"}):
        maker = one_job.JobMaker()
        for job in make_plan(study, folder).jobs:
            assert [made.status for made in maker.make(job, RunOptions())] == ["finished"]


def main():
    """Print what each costs, and their sum."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one_step.yaml"
        path.write_text(STUDY, encoding="utf-8")
        study = load_study(path, seeds=NUM_RUNS, engine="loop")
        handing_out = milliseconds(lambda: handed_out(study, Path(folder) / "made"))
        claiming = milliseconds(lambda: only_claimed(study, Path(folder) / "claimed"))
    print(f"{NUM_RUNS} runs of one step, CPU milliseconds a run")
    print(f"  handing out  {handing_out:6.2f}")
    print(f"  claiming     {claiming:6.2f}")
    print(f"together {handing_out + claiming:.2f}, at most {BOUND_MS} wanted")
    sys.exit(handing_out + claiming > BOUND_MS)


if __name__ == "__main__":
    main()
