"""Gives the arms of a study their labels and ids, before and after tuning, for selectors to choose from."""

from normbench.storage.arm_id import ArmEntry, ArmSet
from normbench.storage.arm_labels import tuned_label
from normbench.study.axes import full_key
from normbench.study.resolved import flat_settings
from normbench.study.study import Study


def labelled_arms(study: Study) -> ArmSet:
    """Return the arms that a study has now; tuned arms are among them once their values have been chosen."""
    known = [entry_of(study, label).with_settings(flat_settings(config)) for label, config in study.arms.items()]
    return ArmSet(known, study.axes, study.named)


def final_arms(study: Study) -> ArmSet:
    """Return the arms that will be compared after tuning."""
    given = labelled_arms(study)
    if not study.tune:
        return given
    settings = {label: flat_settings(config) for label, config in study.arms.items()}
    tuned = [tuned_entry(study, label).with_settings(settings[label]) for label in study.arms]
    return ArmSet([*(given.arms if study.keep_given else ()), *tuned], study.axes, study.named)


def entry_of(study: Study, label: str) -> ArmEntry:
    """Return an arm's entry for study.json."""
    return study.entries.get(label, ArmEntry(label))


def tuned_entry(study: Study, label: str) -> ArmEntry:
    """Return the entry of the tuned version of an arm."""
    given = entry_of(study, label)
    return ArmEntry(tuned_label(label), given.name, given.sets, tuple(map(full_key, study.tune)))
