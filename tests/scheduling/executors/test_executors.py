"""What holds for every executor, found by its file: who takes which --jobs; asking loads neither torch nor ray."""

import subprocess
import sys

import pytest
from fake_ray import FakeRay

from normbench.errors import ConfigError
from normbench.scheduling.executors import base
from normbench.scheduling.executors.base import find_executors, make_executor
from normbench.scheduling.interruption import Interruption


@pytest.mark.parametrize("cores", [1, 3])
@pytest.mark.parametrize("jobs", ["1", "2", "9999", "auto"])
def test_exactly_one_executor_takes_what_jobs_says(jobs, cores, monkeypatch):
    monkeypatch.setattr(base, "num_cores", lambda: cores)
    takers = {name: kind.asked_as for name, kind in find_executors().items() if kind.for_jobs(jobs)}
    assert takers.pop("ray_cluster") == "ray"
    one_at_a_time = jobs == "1" or (jobs, cores) == ("auto", 1)
    assert takers == {"in_process" if one_at_a_time else "processes": "auto"}


@pytest.mark.parametrize("jobs", ["0", "-1", "1.5", "two", "", "10000", "1 "])
def test_what_no_executor_takes_is_the_users_mistake(jobs):
    with pytest.raises(ConfigError, match="must be a whole number from 1, or auto, got"):
        make_executor(jobs)


def test_executors_are_found_and_made_without_torch_and_ray():
    code = f"from {base.__name__} import make_executor as make; make('1'); make('2'); make('auto', None, 'ray')"
    code += "; import sys; assert not {'torch', 'ray'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", find_executors().values(), ids=find_executors())
def test_every_executor_stops_when_asked_given_up_or_closed(kind, monkeypatch):
    FakeRay("here").install(monkeypatch)
    wish = Interruption()
    executor = next(made for jobs in ("1", "2") if (made := kind.for_jobs(jobs, wish)))
    assert not executor.is_stopping
    wish.is_asked = True
    assert executor.is_stopping
    wish.is_asked = False
    executor.stop()
    assert executor.is_stopping
    with kind.for_jobs("2") or kind.for_jobs("1") as closed:
        assert not closed.is_stopping
    assert closed.is_stopping
