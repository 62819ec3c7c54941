"""Writes BibTeX entries of normbench and of the works that a paragraph on methods names."""

from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Work:
    """A work of others.

    Attributes:
        names: The words by which a paragraph names it, all of them.
        key: Its BibTeX key.
        fields: Its BibTeX fields.
        kind: Its BibTeX type.
    """

    names: tuple[str, ...]
    key: str
    fields: dict[str, str]
    kind: str = "article"


def _article(names: tuple[str, ...], author: str, title: str, journal: str, *numbers: str) -> Work:
    """Return an article; numbers are year, volume, number and pages."""
    fields = {"author": author, "title": f"{{{title}}}", "journal": journal}
    fields |= dict(zip(("year", "volume", "number", "pages"), numbers, strict=True))
    return Work(names, f"{author.split(',', maxsplit=1)[0].lower()}{numbers[0]}", fields)


WORKS = (
    _article(
        ("Olsson", "2005"),
        "Olsson, Ulf",
        "Confidence intervals for the mean of a log-normal distribution",
        "Journal of Statistics Education",
        *("2005", "13", "1", ""),
    ),
    _article(
        ("Hodges", "1963"),
        "Hodges, J. L. and Lehmann, E. L.",
        "Estimates of location based on rank tests",
        "The Annals of Mathematical Statistics",
        *("1963", "34", "2", "598--611"),
    ),
    _article(
        ("Wilcoxon", "1945"),
        "Wilcoxon, Frank",
        "Individual comparisons by ranking methods",
        "Biometrics Bulletin",
        *("1945", "1", "6", "80--83"),
    ),
    _article(
        ("Holm",),
        "Holm, Sture",
        "A simple sequentially rejective multiple test procedure",
        "Scandinavian Journal of Statistics",
        *("1979", "6", "2", "65--70"),
    ),
    _article(
        ("Hsu", "1984"),
        "Hsu, Jason C.",
        "Constrained simultaneous confidence intervals for multiple comparisons with the best",
        "The Annals of Statistics",
        *("1984", "12", "3", "1136--1144"),
    ),
    Work(
        ("Westfall", "1993"),
        "westfall1993",
        {
            "author": "Westfall, Peter H. and Young, S. Stanley",
            "title": "{Resampling-Based Multiple Testing}",
            "publisher": "Wiley",
            "year": "1993",
        },
        "book",
    ),
    _article(
        ("Robbins", "1970"),
        "Robbins, Herbert",
        "Statistical methods related to the law of the iterated logarithm",
        "The Annals of Mathematical Statistics",
        *("1970", "41", "5", "1397--1409"),
    ),
    _article(
        ("Schuirmann", "1987"),
        "Schuirmann, Donald J.",
        "A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence of "
        "average bioavailability",
        "Journal of Pharmacokinetics and Biopharmaceutics",
        *("1987", "15", "6", "657--680"),
    ),
    _article(
        ("Nadeau", "2003"),
        "Nadeau, Claude and Bengio, Yoshua",
        "Inference for the generalization error",
        "Machine Learning",
        *("2003", "52", "3", "239--281"),
    ),
    _article(
        ("Kendall",),
        "Kendall, M. G.",
        "The treatment of ties in ranking problems",
        "Biometrika",
        *("1945", "33", "3", "239--251"),
    ),
)


def bibtex_of(paragraph: str) -> str:
    """Return the entry of normbench and one for each work that a paragraph names.

    Example:
        >>> print(bibtex_of("exact signed ranks (Wilcoxon, 1945)").partition("@article")[2])
        {wilcoxon1945,
          author = {Wilcoxon, Frank},
          title = {{Individual comparisons by ranking methods}},
          journal = {Biometrics Bulletin},
          year = {1945},
          volume = {1},
          number = {6},
          pages = {80--83},
        }
    """
    found = version("normbench")
    own = Work((), "normbench", {"author": "{The normbench authors}", "title": "{normbench}", "version": found}, "misc")
    named = [work for work in WORKS if all(name in paragraph for name in work.names)]
    return "\n\n".join(map(_entry, [own, *named]))


def _entry(work: Work) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in work.fields.items() if value]
    return "\n".join([f"@{work.kind}{{{work.key},", *lines, "}"])
