"""Every command that reads runs, with the options that change what it reads."""

from forging.finished_study import CONFIG, QUICK
from forging.forgery import OTHER, OUTSIDE, STUDY

ARM, OTHER_ARM = "{arm}", "{other}"
"""Stand for the folder of an arm; commands take the first of the study's and the second."""
READING = [
    ["compare", STUDY],
    ["compare", STUDY, "--details"],
    ["compare", STUDY, "--json"],
    ["compare", STUDY, "--csv"],
    ["compare", STUDY, "--markdown", "--details"],
    ["compare", STUDY, "--methods"],
    ["compare"],
    ["compare", STUDY, OTHER, "--pool"],
    ["compare", STUDY, OTHER, "--pool", "--json"],
    ["compare", STUDY, "--where", "norm=none"],
    ["compare", STUDY, "--by", "norm"],
    ["compare", STUDY, "--by", "norm", "--metric", "depth_slope activation.std", "--json"],
    ["compare", STUDY, "--metric", "weight.std@hidden1", "--metric", "steps_to 0.5 test_loss"],
    ["compare", STUDY, "--metric", "probe.update_ratio@hidden1"],
    ["compare", STUDY, "--fail-if", "test_loss>0.5 or num_collapsed>0"],
    ["compare", STUDY, "--baseline", "norm=batch_norm", "--margin", "0.1"],
    ["compare", STUDY, "--metric", "change grad.l2_norm@hidden1", "--csv"],
    ["list"],
    ["list", "--runs"],
    ["list", "--json"],
    ["list", STUDY, "--runs", "--json"],
    ["show", f"{ARM}/seed-0"],
    ["show", f"{ARM}/seed-1", "--json"],
    ["show", f"{ARM}/seed-2"],
    ["show", f"{OTHER_ARM}/seed-2", "--json"],
    ["show", f"{OTHER_ARM}/seed-0", "--layers", "all"],
    ["claims", CONFIG],
    ["claims", CONFIG, "--json"],
    ["claims", CONFIG, "--markdown", "page.md"],
    ["report", STUDY, "--out", "page.html"],
    ["rm", STUDY],
    ["rm", ARM],
    ["rm", f"{OTHER_ARM}/seed-0", f"{ARM}/seed-2"],
    ["tensorboard", "--port", "70000"],
]
PLANNING = [
    ["run", CONFIG, "--dry-run"],
    ["run", CONFIG, "--seeds", "3", "--dry-run", "--json"],
    ["run", f"{ARM}/seed-0/config.yaml", "--dry-run"],
]
DRAWING = [
    ["compare", STUDY, "--plot", "figure.svg"],
    ["compare", STUDY, "--by", "norm", "--plot", "figure.png"],
]
MAKING_ANEW = [
    ["run", CONFIG, "--seeds", "3"],
    ["run", CONFIG, "--force", "--quiet", "--details"],
]
MAKING = [
    *MAKING_ANEW,
    ["run", CONFIG, "--quiet"],
    ["run", CONFIG, "--json"],
    ["run", CONFIG, *QUICK],
    ["report", STUDY, OTHER, "--out", "page.html"],
]
"""The report of several studies leaves a page in each.

The three before it may show what finished.json keeps, and read nothing else: who forges its digests forges its lines.
"""


def words_of(command):
    """Return the words of a command, its arms put in."""
    arms = sorted(path.name for path in OUTSIDE.glob(f"{STUDY.name}/norm=*"))
    return [str(word).replace(ARM, f"{STUDY}/{arms[0]}").replace(OTHER_ARM, f"{STUDY}/{arms[1]}") for word in command]
