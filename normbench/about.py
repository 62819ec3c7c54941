"""About: what a part says of itself where `explain` cannot compute it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """What a layer's numbers do not show.

    Attributes:
        formula: Of one output value, in the names of the layer's own settings, parameters and statistics. The contract
            test evaluates it in float64 against the layer.
        paper: Authors, title, year.
        url: Where to read it.
        good_for: When to use it.
        bad_for: When not to.
        disagreements: Where implementations differ, one sentence each.
        documents: What the documents got wrong about it, one sentence each.
    """

    formula: str
    paper: str
    url: str
    good_for: str
    bad_for: str
    disagreements: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
