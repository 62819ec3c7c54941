"""Runs trained as one in folders of their own, and what they leave there, for tests."""

from dataclasses import replace
from pathlib import Path

from normbench.study.config import RunConfig
from normbench.training.run_hooks import RunHooks
from normbench.training.stack.experiment import run_stack
from normbench.training.stack.open_runs import Member

NUM_STEPS, EVERY_STEPS = 6, 4
TINY = {
    "model": {"name": "mlp", "hidden_features": [6, 5]},
    "dataset": {"name": "gaussian_clusters", "num_samples": 24},
    "norm": "batch_norm",
    "optimizer": {"name": "adam", "lr": 0.01},
    "batch_size": 8,
    "num_steps": NUM_STEPS,
    "device": "cpu",
    "recording": {"every_steps": EVERY_STEPS, "tensorboard": False},
}


def config_of(**settings):
    return RunConfig.model_validate(TINY | settings)


def alike(num_slots=4, **settings):
    """Return the configs of seeds of one arm."""
    return [config_of(**settings)] * num_slots


def tuned(**settings):
    """Return four configs of a tuning grid; neighbours with the same numbers are stepped together."""
    rates, dropouts = (0.01, 0.02, 0.02, 0.03), (0.3, 0.1, 0.3, 0.3)
    return [
        config_of(**{"optimizer": {"name": "adam", "lr": lr}, "dropout": dropout} | settings)
        for lr, dropout in zip(rates, dropouts, strict=True)
    ]


def member(config, seed, folder, hooks=None):
    """Return a run of a stack, whose folder is there afterwards."""
    (folder / f"seed-{seed}").mkdir(parents=True, exist_ok=True)
    identity = replace(config.identity(), engine="stacked")
    return Member(config, seed, folder / f"seed-{seed}", "tiny", "only", identity, hooks or RunHooks())


def made(configs, folder=Path("stack"), *, idle=(), hooks=None, seeds=None):
    """Train runs as one; return the result of each slot.

    Args:
        configs: The settings of each slot; None where no run is planned.
        folder: Where a folder for each seed is made.
        idle: Slots whose runs are planned and not made.
        hooks: The callbacks of runs by slot.
        seeds: The seed of each slot; by default its number.
    """
    slots = [
        config if config is None or slot in idle else member(config, seed, folder, (hooks or {}).get(slot))
        for slot, (config, seed) in enumerate(zip(configs, seeds or range(len(configs)), strict=True))
    ]
    return run_stack(slots)


def summaries(results):
    """Return results that are all summaries; raise the first that is an error."""
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def files_of(folder, *seeds):
    """Return the bytes of what the runs of seeds left, without what differs by time."""
    return {
        (seed, path.name): path.read_bytes()
        for seed in seeds
        for path in (folder / f"seed-{seed}").iterdir()
        if path.name != "environment.json" and not path.name.startswith("events.")
    }
