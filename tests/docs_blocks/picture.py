"""The picture of README.md: std per layer of a LeNet with and without batch norm, before and after training."""

from pathlib import Path

from docs_blocks import outputs
from docs_blocks.markdown import ROOT
from normbench.evidence.comparison.comparison import compare_study
from normbench.report.figures.kinds import layers as layers_picture
from normbench.report.figures.kinds.base import ShownStudy
from normbench.report.figures.writing import write_picture
from normbench.storage.study_folder import read_study

PICTURE = Path("docs/pictures/lenet_layers.svg")
ALT = "std per layer of a LeNet with and without batch norm, forward and backward, before and after training, 8 seeds"


def layers(study: str) -> str:
    """Draw the picture from the runs of a study that a command above has made, and return the line that shows it."""
    if outputs.is_made_anew():
        found = read_study(outputs.folder() / "runs" / study)
        picture = layers_picture.draw(ShownStudy(found, compare_study(found)))
        assert picture is not None
        write_picture(picture, ROOT / PICTURE)
    return f"![{ALT}]({PICTURE.as_posix()})"
