"""StudyKeys: the keys of a study file that are not settings of its runs."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from normbench.errors import SettingError
from normbench.storage.names import NAME
from normbench.study.check_plan import MAX_SEEDS, refuse_bad_plan

Name = Annotated[str, Field(pattern=NAME)]
Values = Annotated[list[Any], Field(min_length=1)]
Engine = Literal["auto", "loop", "stacked"]
LISTS_TITLE = "a mapping of settings to lists of values"
MAX_KEYS = 100
"""Most settings that a study varies or tunes."""
MAX_CLAIMS = 1_000
EXAMPLE_EXPECT = {"less": "normed", "than": "plain"}


class StudyKeys(BaseModel):
    """The keys of a study file that are not settings of its runs; every one is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    study: Name | None = Field(None, examples=["my_study"])
    """Name of the folder under runs/; by default the file's name. At most 120 letters, digits and `_ . = , + -`."""
    seeds: Any = Field(None, title="a count, a list of whole numbers, or {check_after: [...]}", examples=[8])
    """Runs per arm: a count (8: seeds 0-7), a list, or `{check_after: [8, 16]}`; by default seed 0. Also `--seeds`."""
    engine: Engine = Field("auto", examples=["loop"])
    """`loop` trains one run after another, `stacked` the seeds of an arm as one; `auto` chooses. Also `--engine`."""
    arms: Annotated[dict[Name, dict[str, Any] | None], Field(min_length=1)] | None = Field(
        None, title="a mapping of names to settings", examples=[{"plain": {"norm": "none"}, "normed": {}}]
    )
    """Named arms, each with the settings in which it differs from the rest of the file."""
    grid: Annotated[dict[str, Values], Field(min_length=1, max_length=MAX_KEYS)] | None = Field(
        None, title=LISTS_TITLE, examples=[{"norm": ["none", "batch_norm"]}]
    )
    """Values by setting; every combination is an arm. Also `--vary`."""
    zip: Annotated[dict[str, Values], Field(min_length=1, max_length=MAX_KEYS)] | None = Field(
        None,
        title=f"{LISTS_TITLE}, all of one length",
        examples=[{"batch_size": [16, 64], "optimizer.lr": [0.01, 0.04]}],
    )
    """Values by setting, changed together: the first value of each list makes one arm, the second another."""
    baseline: Any = Field(None, title="an arm's name, or a mapping of settings", examples=[{"norm": "none"}])
    """What the arms are compared with: an arm's name, or settings that its arms have; by default the first arm."""
    quotes: dict[str, str] | None = Field(
        None, title="a mapping of arms' names to text", examples=[{"normed": "The loss falls faster."}]
    )
    """What a document says of an arm, printed beside what was found."""
    tune: Annotated[dict[str, list[Any]], Field(min_length=1, max_length=MAX_KEYS)] | None = Field(
        None, title=LISTS_TITLE, examples=[{"optimizer.lr": [0.01, 0.1]}]
    )
    """Values to try by setting; each arm gets its own best ones, chosen on validation data. Also `--tune`."""
    keep_given: bool | None = Field(None, examples=[False])
    """With `tune`: whether the arms also run without tuning; by default true."""
    collapse: Any = Field(
        None,
        title="false, or a mapping of metric and below or above",
        examples=[{"metric": "train_accuracy", "below": 0.5}],
    )
    """When a run counts as collapsed; false: only if it diverged. By default if it hardly learned its training data."""
    margin: float | None = Field(None, gt=0, allow_inf_nan=False, examples=[0.01])
    """The smallest difference that matters: of losses a share, 0.05 is 5 %, of accuracies 0.01 is one point."""
    claims: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_CLAIMS)] | None = Field(
        None,
        title="a list of claims",
        examples=[[{"says": "it helps", "metric": "test_loss", "expect": EXAMPLE_EXPECT}]],
    )
    """Claims, each with the result to expect if it is true; `normbench claims` tests them."""

    @field_validator("seeds")
    @classmethod
    def _count_list_or_checks(cls, seeds: object) -> object:
        if isinstance(seeds, dict):
            refuse_bad_plan(seeds)
            return seeds
        listed = seeds if isinstance(seeds, list) and seeds else [seeds]
        is_count = seeds is None or listed == [seeds]
        low, high = (1, MAX_SEEDS) if is_count else (0, 2**31 - 1)
        is_right = len(listed) <= MAX_SEEDS and all(type(seed) is int and low <= seed <= high for seed in listed)
        if seeds is None or is_right:
            return seeds
        most = f", {MAX_SEEDS:,} at most" * (len(listed) > MAX_SEEDS)
        rule = f"must be a count from 1 to {MAX_SEEDS:,}, a list of seeds from 0{most}, or {{check_after: [...]}}"
        raise SettingError("", rule, seeds, "Example: seeds: 8")
