"""What lies in a run's folder: claimed, written by rename, read back with its digests."""

import pytest
from made_up_runs import make_arm, make_run, make_study, write_csv

from normbench.errors import RunFolderError
from normbench.storage.digests import find_damage
from normbench.storage.files.json_files import write_json
from normbench.storage.run_folder import arm_folder_name, is_finished, read_arm


@pytest.fixture
def arm():
    return make_arm(make_study(arms=["none"]), norm="none")


def refusal(action):
    with pytest.raises(RunFolderError) as error:
        action()
    return str(error.value)


def test_an_arms_folder_shows_its_label_and_digits_of_its_identity():
    assert arm_folder_name("norm=none", "0123456789ab") == "norm=none-0123456789ab"


def test_a_run_is_finished_when_its_summary_is_there(arm):
    run = make_run(arm)
    assert is_finished(run)
    (run / "summary.json").unlink()
    assert not is_finished(run)


def test_an_arm_is_read_back_with_its_finished_runs_in_the_order_of_seeds(arm):
    for seed in (10, 2, 0, 7):
        make_run(arm, seed)
    (arm / "seed-7" / "summary.json").unlink()
    (arm / "seed-0").rename(arm / "seed-0.old-1")
    found = read_arm(arm)
    assert (found.name, found.identity, found.seeds) == ("none", "aaaaaa", (2, 10))
    assert (found.settings, found.changed) == ({"norm": "none"}, ["norm"])


def test_an_arm_that_lacks_a_key_says_which(arm):
    write_json(arm / "arm.json", {"arm": "none", "identity": "aaaaaa"})
    assert refusal(lambda: read_arm(arm)) == (
        f"{arm}/arm.json: settings: must be given, got nothing. Delete this file and run its config again."
    )


def test_rows_are_what_the_run_wrote(arm):
    make_run(arm, metrics=[{"step": 0, "test_loss": 0.5}, {"step": 4, "batch_loss_max": 1e-9}])
    assert read_arm(arm).runs[0].table("metrics.csv").rows() == [
        {"step": "0", "test_loss": "0.5", "batch_loss_max": ""},
        {"step": "4", "test_loss": "", "batch_loss_max": "1e-09"},
    ]


def test_a_changed_file_is_named(arm):
    run = make_run(arm)
    write_csv(run / "metrics.csv", [{"step": 0, "test_loss": 0.001}])
    rule = "must be as the run wrote it, got another sha256"
    message = refusal(lambda: read_arm(arm).runs[0].table("metrics.csv").rows())
    assert message == f"{run}/metrics.csv: {rule}. Delete {run} and run its study again."


def test_a_missing_file_is_named(arm):
    run = make_run(arm)
    (run / "metrics.csv").unlink()
    message = refusal(lambda: read_arm(arm).runs[0].table("metrics.csv").rows())
    way_out = f"Delete {run} and run its study again."
    assert message == f"{run}/metrics.csv: must be readable, got: No such file or directory. {way_out}"


def test_a_file_the_summary_does_not_know_is_not_trusted(arm):
    make_run(arm, files={})
    assert "got another sha256" in refusal(lambda: read_arm(arm).runs[0].table("metrics.csv").rows())


def test_a_run_without_environment_is_still_read(arm):
    run = make_run(arm)
    (run / "environment.json").unlink()
    assert read_arm(arm).runs[0].environment == {}


def test_a_whole_run_has_no_problem_and_a_changed_one_names_it(arm):
    run = make_run(arm)
    assert find_damage(run) == ""
    write_csv(run / "metrics.csv", [{"step": 0, "test_loss": 0.001}])
    assert find_damage(run) == f"{run}/metrics.csv: must be as the run wrote it, got another sha256."


def test_a_summary_cut_off_anywhere_is_a_problem(arm):
    path = make_run(arm) / "summary.json"
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert find_damage(path.parent), size
    path.write_bytes(whole)
    assert find_damage(path.parent) == ""
