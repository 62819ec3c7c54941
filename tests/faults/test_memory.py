"""Want of memory: a line with the way out; the others go on, and asking again completes."""

import re

import pytest
import torch
from faults.small_study import asked_again, results, run, run_of

from normbench.training import attempt

WAY_OUT = "Use a smaller batch_size or model, or fewer --jobs. The same command completes it."


def of_a_tensor():
    torch.empty(2**60, dtype=torch.uint8)


def of_bytes():
    bytearray(2**60)


@pytest.mark.parametrize(
    ("demand", "said"), [(of_a_tensor, "RuntimeError: .*can't allocate memory.*"), (of_bytes, "MemoryError")]
)
def test_a_run_that_wants_too_much_memory_fails_alone(undisturbed, monkeypatch, demand, said):
    real, demands = attempt.train, [demand]

    def train(*args, **options):
        if demands:
            demands.pop()()
        return real(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(attempt, "train", train)
        answer = run()
    line = rf"{said}\. {re.escape(WAY_OUT)}"
    assert answer.code == 1
    assert re.fullmatch(f"small plain, seed 0: failed: {line}\n1 failed:\nplain, seed 0: {line}\n", answer.err)
    assert {arm for arm, _, name in results() if name == "summary.json"} == {"decayed"}
    assert (run_of() / "error.txt").is_file()
    assert asked_again()[0] == undisturbed
