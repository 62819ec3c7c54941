"""A runs folder in which anything is forged, all seals right: every command ends in a table or names the file."""

import os
from pathlib import Path

import pytest
from forging.commands import DRAWING, MAKING, PLANNING, READING
from forging.finished_study import make_study
from forging.forged_folder import make_forged, restore
from forging.rules import faults_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

NUM_FOLDERS = 300
NUM_READING = 2
reading = st.lists(st.sampled_from(READING), min_size=NUM_READING, max_size=NUM_READING)
making = st.sampled_from([[]] * 150 + [[command] for command in (*PLANNING, *MAKING)])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study that is forged, made once by a real run."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("study")
    os.chdir(folder)
    make_study()
    os.chdir(before)
    return folder


@settings(
    max_examples=NUM_FOLDERS,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # what is forged is told in few words, and to make them fewer takes minutes
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_every_command_ends_in_a_table_or_a_line(study, data):
    said = make_forged(data.draw, study)
    commands = [*data.draw(reading), *data.draw(making)]
    assert faults_of(commands) == [], said


def test_of_a_study_in_which_nothing_is_forged_all_commands_succeed(study):
    restore(study)
    assert faults_of([*READING, *PLANNING, *DRAWING[:1], *MAKING[:1]]) == []
