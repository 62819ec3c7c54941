"""A command killed anywhere loses nothing: asked again, it ends as one that never was killed."""

from pathlib import Path

import kills
import pytest

NUM_PLACES = 12
"""Of the changes that a command makes to the file system; `make soak` tries all."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The study made in this process, which then has imported all that the forked ones need."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert kills.run_command(folder).code == 0
    return folder


@pytest.fixture(scope="module")
def num_changes(undisturbed, tmp_path_factory):  # noqa: ARG001 - what it imports, no forked command must
    """A number of changes that the command makes, at least half of all."""
    number = 64
    while kills.killed_at_change(number, tmp_path_factory.mktemp("counted")):
        number *= 2
    return number // 2


@pytest.mark.parametrize("place", range(NUM_PLACES))
def test_killed_before_a_change_of_the_file_system_and_asked_again(place, undisturbed, num_changes):
    killed = Path("killed")
    assert kills.killed_at_change(1 + place * num_changes // NUM_PLACES, killed)
    assert kills.completed(killed)
    kills.assert_as_undisturbed(killed, undisturbed)


def test_killed_again_and_again_and_asked_once_more(undisturbed):
    killed = Path("killed")
    died = [kills.killed_at_change(number, killed) for number in range(5, 300, 29)]
    assert sum(died) >= 3
    assert kills.completed(killed)
    kills.assert_as_undisturbed(killed, undisturbed)


@pytest.mark.parametrize("level", ["survivor", "survivor/*-*"], ids=["study", "arms"])
def test_half_written_files_beside_whole_ones_are_removed(level):
    killed = Path("killed")
    assert kills.completed(killed)
    for place in killed.glob(f"runs/{level}"):
        (place / ".part-some.json-1").write_text("{")
    assert kills.leftovers_in(killed)
    assert kills.completed(killed)
    assert kills.leftovers_in(killed) == {}


STACKED = ("--engine", "stacked", "--seeds", "2")


@pytest.fixture(scope="module")
def undisturbed_stacks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert kills.run_command(folder, *STACKED).code == 0
    return folder


@pytest.mark.parametrize("number", [110, 330])
def test_stacks_that_are_killed_and_asked_again(number, undisturbed_stacks):
    killed = Path("killed")
    assert kills.killed_at_change(number, killed, *STACKED)
    assert kills.completed(killed, *STACKED)
    kills.assert_as_undisturbed(killed, undisturbed_stacks)
