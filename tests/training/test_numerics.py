"""Where a run is made torch is set in one place, and is put back."""

import os
from dataclasses import fields
from pathlib import Path
from threading import Thread

import pytest
import torch
from made_up_runs import TINY

from normbench.errors import RunFailedError
from normbench.scheduling.schedule import run_study
from normbench.study.config import RunConfig
from normbench.study.load import load_study
from normbench.study.numerics import Numerics
from normbench.training.experiment import run_experiment
from normbench.training.numerics import flushes_denormals, numerics

OTHER = Numerics(
    threads=2,
    flush_denormal=False,
    deterministic=False,
    default_dtype="float64",
    tf32=True,
    transformer_fast_path=True,
)


def torch_now():
    """Return what torch is set to, read off torch itself, as the settings that would set it so."""
    return Numerics(
        threads=torch.get_num_threads(),
        flush_denormal=(torch.full((2,), 1e-40, dtype=torch.float32) * 1.0).sum().item() == 0.0,
        deterministic=torch.are_deterministic_algorithms_enabled(),
        default_dtype=str(torch.get_default_dtype()).removeprefix("torch."),
        tf32=torch.backends.cudnn.allow_tf32,
        transformer_fast_path=torch.backends.mha.get_fastpath_enabled(),
    )


def test_every_setting_is_set_inside_and_put_back_after():
    for setting in fields(Numerics):
        assert getattr(OTHER, setting.name) != getattr(Numerics(), setting.name)
    with numerics(OTHER):
        assert torch_now() == OTHER
        with numerics():
            assert torch_now() == Numerics()
        assert torch_now() == OTHER


def test_torch_is_put_back_after_an_exception():
    with numerics(OTHER):
        with pytest.raises(KeyError), numerics():
            raise KeyError
        assert torch_now() == OTHER


def test_on_a_gpu_products_and_attention_take_the_same_way_each_time(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":0:0")
    fused = torch.backends.cuda

    def now():
        return os.environ.get("CUBLAS_WORKSPACE_CONFIG"), fused.mem_efficient_sdp_enabled(), fused.cudnn_sdp_enabled()

    before, flash = now(), fused.flash_sdp_enabled()
    with numerics():
        assert now() == (":4096:8", False, False)
        assert fused.math_sdp_enabled()
        assert fused.flash_sdp_enabled() is flash  # the CPU's kernel
        with numerics(OTHER):
            assert now()[1:] == (True, True)
        assert now() == (":4096:8", False, False)
    assert now() == before
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    with numerics():
        assert now()[0] == ":4096:8"
    assert now()[0] is None


def test_denormals_are_read_without_changing_them():
    for wanted in (True, False):
        with numerics(Numerics(flush_denormal=wanted)):
            assert [flushes_denormals(), flushes_denormals()] == [wanted, wanted]


def test_a_second_thread_is_refused_in_a_line():
    said = []

    def other():
        try:
            with numerics():
                said.append("inside")
        except RunFailedError as error:
            said.append(str(error))

    with numerics():
        thread = Thread(target=other)
        thread.start()
        thread.join()
    rule = "must be made in one thread of a process at a time, since its torch has one set of settings"
    assert said == [f"runs: {rule}, got a second thread. Make them one after another, or in processes."]
    other()
    assert said[1:] == ["inside"]


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.csv"))}


def test_a_public_function_leaves_the_callers_settings_and_makes_the_same_bytes():
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    run_study(load_study(Path("tiny.yaml")), Path("one"))
    with numerics(OTHER):
        run_study(load_study(Path("tiny.yaml")), Path("two"))
        assert torch_now() == OTHER
    assert bytes_of(Path("one")) == bytes_of(Path("two"))


def test_a_run_is_made_with_the_threads_that_its_config_says(monkeypatch):
    seen = []
    config = RunConfig.model_validate({"model": "mlp", "dataset": "linear_regression", "batch_size": 5, "threads": 2})
    monkeypatch.setattr("normbench.training.experiment.Attempt", lambda *_, **__: seen.append(torch_now()) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_experiment(config, 0, Path("run"), study="s", arm="a")
    assert seen == [Numerics(threads=2)]
