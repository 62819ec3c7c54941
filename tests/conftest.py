"""Every test starts in an empty folder, with one thread, flushed denormals and the same random state."""

import pytest
import torch


@pytest.fixture(autouse=True)
def same_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
