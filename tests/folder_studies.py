"""Studies of two arms in folders, and what the command and the arrays say of them."""

import json
import math

from command_line import normbench
from made_up_runs import make_arm, make_run, make_study

from normbench.evidence.statistics.verdicts.typical_seed import typical_seed

METRIC = "test_accuracy"
CLAIM = {"id": "one", "says": "more", "metric": METRIC, "expect": {"less": "baseline", "than": "arm", "by": 0.0}}


def write_study(runs_dir, name, arm, baseline):
    """Write a study whose runs have these values, one per seed."""
    seeds = list(range(len(arm)))
    content = {"baseline": "baseline", "seeds": seeds, "named": ["number"], "claims": [CLAIM]}
    study = make_study(runs_dir, name, arms=["baseline", "arm"], **content)
    for label, values in (("baseline", baseline), ("arm", arm)):
        folder = make_arm(study, label, number=int(label == "arm"))
        for seed, value in enumerate(values):
            make_run(folder, seed, [{"step": 20, METRIC: repr(float(value))}], constant_predictor={METRIC: 0.0})


def compared(runs_dir):
    """Return what `normbench compare --json` says of each study, in the order of their names."""
    answer = normbench("compare", runs_dir, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def differing_rows(studies, arms):
    """Return a line for each study whose p, interval, counts or verdicts are not exactly those of the arrays."""
    lines = []
    for study, differences in zip(studies, arms, strict=True):
        effect = next(row["effect"] for row in study["rows"] if row["effect"])
        found = typical_seed(differences)
        told = [effect[key] for key in ("p", "value", "low", "high", "num_above", "num_below")]
        expected = [found.p, *map(or_none, (found.value, found.low, found.high)), found.num_above, found.num_below]
        if told != expected or (effect["verdict"], study["claims"][0]["verdict"]) not in verdicts(found):
            lines.append(f"{study['study']}: {told}, {effect['verdict']}, expected {expected}, {found.side}")
    return lines


def or_none(value):
    return value if math.isfinite(value) else None


def verdicts(found):
    """Return the verdict of the comparison and of the claim that go together."""
    return {"above": [("better", "holds")], "below": [("worse", "opposite")], "": [("cannot tell", "cannot tell")]}[
        found.side
    ]
