"""AcceptedCode: what study.json keeps of code of the user's that was changed and accepted for the runs made before."""

from collections.abc import Mapping
from dataclasses import dataclass

from normbench.storage.contents.study import StudyContent
from normbench.storage.identity import CODE, PACKAGE

ACCEPTED_CODE = "accepted_code"
"""Key of study.json."""


@dataclass(frozen=True)
class AcceptedCode:
    """Code of the user's that was changed, and whose runs are those that were made with the code before.

    Attributes:
        now: Digests of the code that was accepted, by name.
        then: Digests of the code that the runs were made with.
    """

    now: Mapping[str, str]
    then: Mapping[str, str]

    @property
    def changed(self) -> tuple[str, ...]:
        """Files and packages that are others now."""
        names = [name for name in sorted({*self.now, *self.then}) if self.now.get(name) != self.then.get(name)]
        return tuple(name.removeprefix(CODE).removeprefix(PACKAGE) for name in names)


def read_accepted_code(study: StudyContent) -> list[AcceptedCode]:
    """Return what the content of a study.json says was accepted."""
    return [AcceptedCode(entry["now"], entry["then"]) for entry in study.get("accepted_code", ())]
