"""A small example of each dataset that stands for files or code of the user's: settings, and what they name."""

from contextlib import contextmanager

import numpy as np
from contracts.variants import variants
from finite_data.cifar_files import stand_in, write_cifar
from finite_data.picture_folders import by_class

from normbench.datasets._finite import FiniteDataset
from normbench.own_code.source_folder import reading_from
from normbench.parts import find_specs

NUM_ROWS = 48


def bundled():
    """Return the finite datasets that need nothing of the user's."""
    return [variant for variant in variants("datasets") if issubclass(variant, FiniteDataset)]


def of_the_user():
    """Return the names of the datasets that read files or code of the user's."""
    return [name for name, spec in find_specs("normbench.datasets").items() if spec.takes_own]


def features():
    rng = np.random.default_rng(5)
    return rng.normal(2.0, 3.0, (NUM_ROWS, 3)), np.arange(NUM_ROWS) % 3


def _arrays(folder):
    x, y = features()
    np.savez(folder / "data.npz", x=x, y=y)
    return {"file": "data.npz", "task": "classification"}


def _own(folder):
    x, y = features()
    np.savez(folder / "kept.npz", x=x, y=y)
    code = "import numpy\n\ndef make():\n    kept = numpy.load('{}')\n    return kept['x'], kept['y']\n"
    (folder / "own_data_example.py").write_text(code.format(folder / "kept.npz"))
    return {"source": "own_data_example:make", "task": "classification"}


def _images(folder):
    by_class(folder / "photos", {"1": 16, "2": 16, "10": 16}, (4, 3))
    return {"root": "photos"}


def _csv(folder):
    x, y = features()
    lines = [f"{size:.4f},{weight:.4f},{colour}" for (size, weight, _), colour in zip(x, y, strict=True)]
    (folder / "data.csv").write_text("\n".join(["size,weight,kind", *lines]))
    return {"file": "data.csv", "target": "kind", "task": "classification"}


def _torchvision(folder):
    stand_in()
    write_cifar(folder / "data")
    return {"set": "CIFAR10", "only_train": True}


EXAMPLES = {"csv": _csv, "arrays": _arrays, "images": _images, "own": _own, "torchvision": _torchvision}


@contextmanager
def example(name, folder):
    """Yield a spec of a dataset, and read its files from a folder."""
    folder.mkdir(exist_ok=True)
    settings = EXAMPLES[name](folder)
    with reading_from(folder):
        yield find_specs("normbench.datasets")[name](**settings)
