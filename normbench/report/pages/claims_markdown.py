"""Writes the page of results as markdown: a summary, the claims by what was found of them, then the studies."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from itertools import groupby

from normbench.evidence.claims.outcomes import OUTCOMES, Outcome, outcome_counts
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import OLD_WORDS
from normbench.report.blocks.claim_facts import HEADINGS, ClaimFacts, claims_facts
from normbench.report.blocks.claims import together_text
from normbench.storage.identity import NUMERICS

_MARKS = re.compile(r"[\\*`]|\](?=\()|(?<!\w)_|_(?!\w)")
"""What markdown would take for markup: not the underscore within a name."""
RULES = """\
Each entry is a sentence from a document or a paper, or a control beside one, as a study that anyone can run again;
its settings and its margin, the smallest effect worth the sentence, were fixed before its runs. Every run of an arm
is paired with the run of the same seed in the other arms (same data, same batch order, where shapes agree the same
initial weights). Verdicts speak of the typical seed: signed ranks, guarded by the count of seeds. *Holds*: it lies
beyond the margin. *Opposite*: it lies on the other side of no effect. *Smaller than claimed*: it falls short of the
margin. Else *cannot tell*. Effects are ratios (x) for losses and changes, what the sentence has larger over what it
has smaller, and differences otherwise, pseudo-medians with their interval: of 95 %, or where a study is judged at
planned checks of 1 less the level of the check; p is two-sided. A claim of several parts holds if each part does at 5
%; against it, p is corrected over the parts (Holm). A diverged run counts as the worst possible, never as missing. No
verdict is evidence for other settings than those of its study."""
FINITE_RULE = (
    "On finite data a claim about new data is judged by the corrected t of its mean over the splits (Nadeau and "
    "Bengio, 2003), with failed runs at the constant predictor's value."
)
OLD_RULE = "*Supported* and *refuted* are verdicts of version 0.1.0, by a test of the mean."
_SAID = {
    "holds": ("holds", "hold"),
    "opposite": ("is opposite", "are opposite"),
    "smaller than claimed": ("is smaller than claimed", "are smaller than claimed"),
    "depends on the task": ("depends on the task", "depend on the task"),
    "cannot tell": ("cannot be told", "cannot be told"),
    "ill-posed": ("is ill-posed: its runs could not answer", "are ill-posed: their runs could not answer"),
    "not run": ("was not run", "were not run"),
}
"""What is said of one claim, and of several, in the order of the page."""


def page(verdicts: Sequence[ClaimVerdict], pictures: str) -> str:
    """Return the page as markdown.

    Args:
        verdicts: The verdicts, in the order of the studies.
        pictures: Path of the folder of pictures, relative to the page.
    """
    facts = claims_facts(verdicts)
    sections = [section for outcome in OUTCOMES for section in _section(outcome, facts)]
    studies = [_study(name, list(of), pictures) for name, of in groupby(verdicts, key=lambda one: one.study)]
    written = f"Written by `normbench claims --markdown`, normbench {version('normbench')}."
    parts = [
        "# Results",
        written,
        *_summary(verdicts),
        *sections,
        "## The studies",
        *studies,
        "## The rules",
        *rules(verdicts),
    ]
    return "\n\n".join(parts).rstrip() + "\n"


def summary_counts(verdicts: Sequence[ClaimVerdict]) -> list[tuple[str, int]]:
    """Return the words of the summary, each with its number of claims: one holds, two hold."""
    return [(_SAID[name][number != 1], number) for name, number in outcome_counts(verdicts).items()]


def _summary(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    counted = "\n".join(f"- **{number}** {words}" for words, number in summary_counts(verdicts) if number)
    lead = f"{len(verdicts)} claim{'s' * (len(verdicts) != 1)}, of them"
    return [lead, counted, together_text(verdicts)]


def rules(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    """Return the rules by which these verdicts were made, a paragraph each."""
    others = (_on_finite_data, _of_older_rule, _of_other_numerics)
    return [RULES.strip(), *(line for of in others for line in of(verdicts))]


def _on_finite_data(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    return [FINITE_RULE] if any(verdict.about for verdict in verdicts) else []


def _of_older_rule(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    return [OLD_RULE] if any(verdict.verdict in OLD_WORDS for verdict in verdicts) else []


def _of_other_numerics(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    """Return a sentence if runs have another numerics number than this version, which may give them other numbers."""
    numbers = {verdict.versions["numerics"] for verdict in verdicts if "numerics" in verdict.versions}
    others = " and ".join(sorted(numbers - {str(NUMERICS)}))
    way_out = "the changelog says which of them would give other numbers now"
    return [f"Runs of numerics {others} are not of this version, numerics {NUMERICS}; {way_out}."] if others else []


def _section(outcome: Outcome, facts: Sequence[ClaimFacts]) -> list[str]:
    """Return a heading with its claims; nothing where there is none. What was not run is a list of sentences."""
    mine = [one for one in facts if one.outcome == outcome]
    if not mine:
        return []
    entries = ["\n".join(map(_unrun, mine))] if outcome == "not run" else list(map(_entry, mine))
    return [f"## {HEADINGS[outcome]}", *entries]


def _unrun(one: ClaimFacts) -> str:
    verdict = one.verdict
    chinese = f" {_text(one.chinese)}" if one.chinese else ""
    return f"- **{_text(verdict.id)}** {_text(verdict.says)}{chinese} ({_text(verdict.why)}; `{verdict.command}`)"


def _entry(one: ClaimFacts) -> str:
    verdict = one.verdict
    lines = [f"### {_text(one.title)}", ""]
    lines += [_text(one.chinese), ""] * bool(one.chinese)
    lines += [_source(verdict), ""]
    lines += [f"- **{verdict.verdict}**: {_text(one.found)}"] if one.found else [f"- **{verdict.verdict}**"]
    lines += [f"- {label}: {_text(text)}" for label, text in one.facts]
    lines += [f"- again: `{verdict.command}` ([{_text(verdict.study)}](#{verdict.study.lower()}))", *_folded(one)]
    return "\n".join(lines)


def _source(verdict: ClaimVerdict) -> str:
    title, url, quote = (_text(verdict.source.get(key, "")) for key in ("title", "url", "quote"))
    where = f"[{title}]({url})" if url.startswith("http") else title
    said = f"“{quote}” {where}".strip() if quote else where
    return f"> {said or 'A control; no document says so.'}"


def _folded(one: ClaimFacts) -> list[str]:
    if not one.parts:
        return []
    lines = [f"- {_text(text)}" for text in one.parts]
    return ["", f"<details><summary>{len(one.parts)} parts</summary>", "", *lines, "", "</details>"]


def study_facts(verdicts: Sequence[ClaimVerdict]) -> str:
    """Return seeds, settings, day, versions and cost of a study; "" where nothing was run."""
    seeds = sorted({len(verdict.seeds) for verdict in verdicts if verdict.seeds})
    hashes = ", ".join(dict.fromkeys(verdict.hash for verdict in verdicts if verdict.hash))
    dates = sorted({verdict.date for verdict in verdicts if verdict.date})
    versions = next((verdict.versions for verdict in verdicts if verdict.versions), {})
    with_versions = "".join(f", {name} {version}" for name, version in versions.items())
    facts = f"{'/'.join(map(str, seeds))} seeds, settings {hashes}, run {dates[-1]}{with_versions}." if dates else ""
    seconds = next((one.cpu_seconds for one in verdicts if one.cpu_seconds), None)
    return f"{facts} {seconds / 60:,.1f} CPU minutes.".strip() if seconds else facts


def _study(study: str, verdicts: Sequence[ClaimVerdict], pictures: str) -> str:
    again = f"{study_facts(verdicts)} Again: `{verdicts[0].command}`".strip()
    return f"### {_text(study)}\n\n{again}\n\n![{_text(study)}]({pictures}/{study}.svg)"


def _text(text: str) -> str:
    """Return text of a file as one line that cannot become markup."""
    safe = _MARKS.sub(r"\\\g<0>", " ".join(text.split()))
    return safe.replace("<", "&lt;")
