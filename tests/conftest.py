"""Every test starts in an empty folder, with one thread, flushed denormals and the same random state."""

import pytest
import torch


@pytest.fixture(autouse=True)
def same_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.default_generator.manual_seed(0)  # torch.manual_seed asks every device: 100 times slower
