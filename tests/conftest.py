"""Every test starts in an empty folder, with one thread, flushed denormals and the same random state.

A GPU is hidden, so that ``device: auto`` is the CPU on every machine; ``NORMBENCH_TEST_CUDA=1 pytest -k cuda`` runs
the tests that are made for one.
"""

import gc
import os
import sys
from itertools import count

import pytest
import torch

if not os.environ.get("NORMBENCH_TEST_CUDA"):
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # torch asks for devices later, when a test first does

NUMBERS = count()


def pytest_collection_finish():
    """Spare the collector what stays to the end: torch, and the thousands of tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000)  # a full collection walks whatever the tests keep, and they keep much


@pytest.fixture(autouse=True)
def same_start(request, monkeypatch):
    monkeypatch.chdir(request.getfixturevalue("tmp_path" if "tmp_path" in request.fixturenames else "empty_folder"))
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.default_generator.manual_seed(0)  # torch.manual_seed asks every device: 100 times slower


@pytest.fixture
def empty_folder(empty_folders):
    """An empty folder at a tenth of the cost of tmp_path, which is felt in thousands of tests."""
    folder = empty_folders / str(next(NUMBERS))
    folder.mkdir()
    return folder  # it stays: MKL cannot be loaded by a server of processes whose folder is gone


@pytest.fixture(scope="session")
def empty_folders(tmp_path_factory):
    return tmp_path_factory.mktemp("folders")


@pytest.fixture
def small_test_sets(monkeypatch):
    """Test sets of 40 samples: for tests in which what is read at recorded steps only costs time."""
    from normbench.study.data import built_once

    for module in [module for name, module in sys.modules.items() if name.startswith("normbench.datasets.")]:
        for constant in [name for name in vars(module) if name.startswith("NUM_TEST_")]:
            monkeypatch.setattr(module, constant, 40)
    built_once.cache_clear()
    yield
    built_once.cache_clear()
