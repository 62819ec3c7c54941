"""Runs on a Ray cluster, of which a stand-in is made here: soak_ray.py does the same with Ray itself."""

import os
import signal
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from command_line import normbench
from fake_ray import HERE, Death, FakeRay
from made_up_runs import ARMS, TINY

from normbench.errors import ConfigError, RunFailedError
from normbench.scheduling import one_job
from normbench.scheduling.executors import _node_check, _ray_actor, _ray_connection, _ray_worker, ray_cluster
from normbench.scheduling.executors.base import make_executor
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.plan import make_plan
from normbench.storage.owners import Owner
from normbench.study.load import load_study
from normbench.training.attempt import Interrupted

STUDY = TINY + ARMS


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setattr(ray_cluster, "POLL_S", 0.01)
    monkeypatch.setattr(ray_cluster, "NODES_S", 0.01)
    trained(monkeypatch, lambda *_: {"status": "finished"})
    return FakeRay("near", "far").install(monkeypatch)


def trained(monkeypatch, how):
    """Train nothing: call ``how(folder, hooks)`` instead."""
    monkeypatch.setattr(one_job, "run_experiment", lambda _config, _seed, folder, *, hooks, **_: how(folder, hooks))


def jobs_of(seeds=2):
    Path("tiny.yaml").write_text(STUDY, encoding="utf-8")
    return make_plan(load_study(Path("tiny.yaml"), seeds=seeds, engine="loop"), Path("runs")).jobs


def on_ray(jobs=None, interruption=None, share=""):
    return make_executor(jobs, interruption, "ray", share)


def statuses(ended):
    return {(end.run.arm, end.run.seed): end.status for end in ended}


def test_each_run_comes_back_once_as_it_was_asked_for(cluster):
    jobs = jobs_of()
    with on_ray() as executor:
        assert executor.num_jobs == 2
        ended = list(executor.run(jobs))
    assert sorted(str(end.run.folder) for end in ended) == sorted(str(job.runs[0].folder) for job in jobs)
    assert all(end.run in [job.runs[0] for job in jobs] for end in ended)
    assert set(statuses(ended).values()) == {"finished"}
    assert [actor.node for actor in cluster.actors] == ["id-near", "id-far"]
    assert cluster.log == ["init", "kill", "kill", "shutdown"]
    assert [path.name for path in Path("runs").iterdir()] == ["tiny"]


def test_processes_stay_for_the_next_runs(cluster):
    with on_ray() as executor:
        assert len(list(executor.run(jobs_of()))) == len(list(executor.run(jobs_of()))) == 4
    assert len(cluster.actors) == 2


@pytest.mark.parametrize(("jobs", "num_actors"), [("1", 1), ("2", 2), ("9", 2), ("auto", 2), (None, 2)])
def test_jobs_says_how_many_there_are_at_most(jobs, num_actors, cluster):
    with on_ray(jobs) as executor:
        assert executor.num_jobs == num_actors
        assert len(list(executor.run(jobs_of()))) == 4
    assert len(cluster.actors) == num_actors


@pytest.mark.usefixtures("cluster")
def test_how_far_runs_are_is_told(monkeypatch):
    told, go_on = [], Event()

    def train(_, hooks):
        hooks.report_step(1, 4)
        assert go_on.wait(10)
        return {"status": "finished"}

    def tell(*said):
        told.append(said)
        go_on.set()

    trained(monkeypatch, train)
    monkeypatch.setattr(_ray_worker, "PAUSE_S", 0.01)
    jobs = jobs_of(1)[:1]
    with on_ray() as executor:
        executor.report_step = tell
        assert [end.status for end in executor.run(jobs)] == ["finished"]
    assert told == [(jobs[0], 1, 4)] * len(told)


def until_stopped(_, hooks):
    while not hooks.should_stop():
        time.sleep(0.005)
    raise Interrupted


@pytest.mark.usefixtures("cluster")
def test_a_wish_to_stop_saves_what_is_under_way_and_starts_no_more(monkeypatch):
    wish, begun = Interruption(), []

    def train(folder, hooks):
        begun.append(folder)
        wish.is_asked = len(begun) >= 2
        return until_stopped(folder, hooks)

    trained(monkeypatch, train)
    with on_ray(interruption=wish) as executor:
        ended = list(executor.run(jobs_of(4)))
    assert [end.status for end in ended] == ["interrupted"] * 2
    assert {Owner.of(end.run.folder).status for end in ended} == {"interrupted"}


def test_the_second_wish_ends_all_at_once(cluster, monkeypatch):
    def second(*_):
        raise KeyboardInterrupt

    trained(monkeypatch, until_stopped)
    monkeypatch.setattr(ray_cluster.RayCluster, "_ready_workers", second)
    with pytest.raises(KeyboardInterrupt), on_ray() as executor:
        list(executor.run(jobs_of()))
    assert not any(actor.is_alive for actor in cluster.actors)
    assert cluster.log[-1] == "shutdown"
    assert not list(Path("runs").glob(f"{_node_check.PREFIX}*"))


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(("num_deaths", "status"), [(1, "finished"), (2, "failed")])
def test_what_a_process_died_with_is_tried_once_more(num_deaths, status, monkeypatch):
    died = []

    def train(folder, _):
        if folder.parent.name.startswith("plain") and folder.name == "seed-0" and len(died) < num_deaths:
            died.append(folder)
            raise Death
        return {"status": "finished"}

    trained(monkeypatch, train)
    with on_ray() as executor:
        ended = list(executor.run(jobs_of()))
    assert statuses(ended) == {
        ("plain", 0): status,
        ("decayed", 0): "finished",
        ("plain", 1): "finished",
        ("decayed", 1): "finished",
    }
    why = "its process died twice (ActorDiedError), perhaps for want of memory. Use fewer --jobs. The same command"
    assert [end.error.startswith(why) for end in ended if end.error] == [True] * (status == "failed")


@pytest.mark.usefixtures("cluster")
def test_processes_that_die_alike_are_one_line(monkeypatch):
    died, told = set(), []

    def train(folder, _):
        if folder not in died:
            died.add(folder)
            raise Death
        return {"status": "finished"}

    trained(monkeypatch, train)
    with on_ray() as executor:
        executor.report_line = told.append
        assert set(statuses(executor.run(jobs_of())).values()) == {"finished"}
    assert len(died) == 4
    assert len(told) == 1


def test_the_run_of_a_dead_node_is_taken_over_at_once(cluster, monkeypatch):
    """Its claim looks alive from here, as those of other machines do."""
    made, told = [], []

    def elsewhere(question):
        answer = _node_check.answered(question)
        return replace(answer, process=replace(answer.process, host="far"))

    def train(folder, _):
        made.append(folder)
        if len(made) == 1:
            replace(Owner.of(folder), host="far").write(folder)
            cluster.node_dies("far" if cluster.actors[1].made._made.running() else "near")
            raise Death
        return {"status": "finished"}

    monkeypatch.setattr(_ray_actor, "answered", elsewhere)
    trained(monkeypatch, train)
    with on_ray() as executor:
        executor.report_line = told.append
        ended = list(executor.run(jobs_of()))
    assert statuses(ended) == dict.fromkeys(statuses(ended), "finished")
    assert len(ended) == 4
    assert made.count(made[0]) == 2
    (line,) = told
    assert line.startswith("a process on node ")
    assert line.endswith(" died (ActorDiedError), perhaps for want of memory; its run is tried once more.")


def apart(problem):
    """Return how a node answers that has another runs folder, or the same with something wrong in it."""

    def answered(question):
        if problem == "gone":
            return _node_check.answered(replace(question, folder=Path("apart", "asked").absolute()))
        if problem == "another":
            return _node_check.answered(replace(question, content="mine"))
        answer = _node_check.answered(question)
        answer.file.unlink()  # it is written where nobody else reads
        return answer

    return answered


SAID = {
    "gone": f"must see the runs folder {{0}}/apart, got: No such file or directory. {_node_check.SHARE}",
    "another": f"must see the runs folder {{0}}/runs, got another folder there. {_node_check.SHARE}",
    "not shared": f"must write where this command reads, got {{0}}/runs apart. {_node_check.SHARE}",
}


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("problem", SAID)
def test_a_node_without_the_runs_folder_is_named_and_not_used(problem, monkeypatch):
    told, is_told, its_answer = [], Event(), apart(problem)

    def answered(question):
        if HERE.node == "far":
            return its_answer(question)
        assert is_told.wait(10)
        return _node_check.answered(question)

    def tell(line):
        told.append(line)
        is_told.set()

    monkeypatch.setattr(_ray_actor, "answered", answered)
    with on_ray() as executor:
        executor.report_line = tell
        ended = list(executor.run(jobs_of()))
    assert list(statuses(ended).values()) == ["finished"] * 4
    assert told == [f"node far: {SAID[problem].format(Path.cwd())}. It is not used."]


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("problem", SAID)
def test_without_any_node_that_sees_the_runs_folder_the_command_ends(problem, monkeypatch):
    monkeypatch.setattr(_ray_actor, "answered", apart(problem))
    said = SAID[problem].format(Path.cwd())
    assert told_until_no_node_is_left() == [f"node {name}: {said}. It is not used." for name in ("far", "near")]


def told_until_no_node_is_left():
    told, jobs = [], jobs_of()
    with on_ray() as executor:
        executor.report_line = told.append
        with pytest.raises(RunFailedError, match="must find a node that can make runs, got none left"):
            list(executor.run(jobs))
    return sorted(told)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "9.9"}, "must have normbench 9.9 (numerics 3), got "),
        ({"numerics": 99}, "(numerics 99), got "),
        (
            {"code_folders": (Path("/no/such/code"),)},
            "must see /no/such/code, where your own code lies, got no such folder",
        ),
    ],
)
def test_what_a_node_must_have_too(change, said):
    with _node_check.asking(Path("runs"), []) as question:
        assert said in _node_check.problem_of(question, _node_check.answered(replace(question, **change)))
        answer = _node_check.answered(question)
        assert _node_check.problem_of(question, answer) == ""
        assert answer.process == Owner("")
    assert list(Path("runs").iterdir()) == []


@pytest.mark.usefixtures("cluster")
def test_a_node_where_no_process_can_start_is_not_used(monkeypatch):
    monkeypatch.setattr(_ray_actor, "answered", lambda _: 1 / 0)
    said = f"must be able to run normbench {_node_check.VERSION}, got RayError: ZeroDivisionError: division by zero"
    lines = [f"node {name}: {said}. Install it there. It is not used." for name in ("far", "near")]
    assert told_until_no_node_is_left() == lines


def test_jobs_on_a_gpu_hold_one_or_their_share(cluster):
    for node in cluster.nodes:
        node["Resources"] |= {"CPU": 8.0, "GPU": 1.0}
    jobs = [
        job.changed(
            lambda run: replace(run, folder=run.folder, config=run.config.model_copy(update={"device": "cuda"}))
        )
        for job in jobs_of(4)
    ]
    for share, held in (("", (1.0, 1.0, 2)), ("gpu=0.5", (1.0, 0.5, 4)), ("cpu=3,gpu=0.25", (3.0, 0.25, 4))):
        with on_ray(share=share) as executor:
            assert len(list(executor.run(jobs))) == 8
        started = cluster.actors[-held[-1] :]
        assert {(one.options["num_cpus"], one.options["num_gpus"]) for one in started} == {held[:2]}
        assert len(cluster.actors) == held[-1]
        cluster.actors.clear()


@pytest.mark.parametrize("share", ["cpu=2", "gpu=0.5", "cpu=0,gpu=1"])
def test_a_share_that_no_node_holds_is_refused(share, cluster):
    with pytest.raises(ConfigError, match=r"must fit into one node of the cluster, got nodes of cpu=1,gpu=0\. "):
        on_ray(share=share).__enter__()
    assert cluster.log == ["init", "shutdown"]


@pytest.mark.parametrize("share", ["cpu", "cpu=x", "ram=1", "gpu=1.5", "cpu=-1", "cpu=inf", "cpu=0"])
def test_what_is_no_share_is_the_users_mistake(share):
    with pytest.raises(ConfigError, match=rf"^--share {share}: must be .* Example: --share cpu=1,gpu=0\.25$"):
        on_ray(share=share)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--share", "cpu=2"], "--share cpu=2: must come with an executor that shares out a cluster, got --executor"),
        (
            ["--executor", "rey"],
            "--executor rey: must be a kind of executor, got 'rey'. Did you mean 'ray'? One of: auto, ray.",
        ),
        (["--executor", "ray", "--jobs", "0"], "--jobs 0: must be a whole number from 1, or auto"),
    ],
)
def test_what_does_not_go_together_is_told(words, said):
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    code, _, err = normbench("run", "tiny.yaml", *words)
    assert (code, err.startswith(said)) == (2, True)


def test_without_ray_a_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    code, _, err = normbench("run", "tiny.yaml", "--executor", "ray")
    assert (code, err) == (2, "--executor ray: must find Ray, got no such package. pip install 'normbench[ray]'\n")


@pytest.mark.parametrize("prefix", ["", "ray://"])
def test_a_cluster_that_nobody_listens_at_is_told_at_once(prefix, cluster, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"{prefix}127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(ConfigError, match=rf"^RAY_ADDRESS={address}: must be a Ray cluster, got .*refused"):
        on_ray().__enter__()
    assert cluster.log == []


def hang(*_, **__):
    Event().wait(5)


def mismatch(*_, **__):
    raise RuntimeError(
        "Version mismatch: The cluster was started with:\n    Ray: 2.1\n  This process with:\n  Ray: 2.2"
    )


@pytest.mark.parametrize(
    ("init", "said"),
    [
        (hang, "no answer within 0.05 s"),
        (mismatch, "Version mismatch: The cluster was started with: Ray: 2.1 This process with: Ray: 2.2"),
    ],
)
def test_a_cluster_that_is_silent_or_another_is_told(init, said, cluster, monkeypatch):
    monkeypatch.setattr(_ray_connection, "PATIENCE_S", 0.05)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    cluster.init = init
    with pytest.raises(ConfigError) as refused:
        on_ray().__enter__()
    way_out = "Look with `ray status` there, or unset RAY_ADDRESS to use this machine alone."
    assert str(refused.value) == f"RAY_ADDRESS=auto: must be a Ray cluster, got {said}. {way_out}"


def test_a_lost_connection_ends_the_command_with_a_line(cluster, monkeypatch):
    def train(*_):
        cluster.is_initialized = False
        raise Death

    trained(monkeypatch, train)
    jobs = jobs_of(1)
    with on_ray("1") as executor, pytest.raises(RunFailedError) as lost:
        list(executor.run(jobs))
    rule = "must stay reachable until all runs are made, got: the connection is lost"
    assert str(lost.value) == f"the Ray cluster on this machine: {rule}. The same command completes it."
    assert not list(Path("runs").glob(f"{_node_check.PREFIX}*"))


def test_a_connection_from_before_stays_open(cluster):
    cluster.is_initialized = True
    with on_ray() as executor:
        list(executor.run(jobs_of(1)))
    assert set(cluster.log) == {"kill"}


def test_signals_are_handled_as_before(cluster):
    before = signal.getsignal(signal.SIGTERM)
    cluster.init = lambda *_, **__: signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with on_ray():
        assert signal.getsignal(signal.SIGTERM) == before


def test_the_process_works_where_the_command_does_and_finds_no_modules_there(monkeypatch):
    here = str(Path.cwd())
    monkeypatch.setattr(sys, "path", [here, *sys.path])
    with _node_check.asking(Path("runs"), []) as question:
        os.chdir("/")
        _node_check.answered(question)
    assert str(Path.cwd()) == here
    assert here not in sys.path
