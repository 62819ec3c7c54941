"""Verdicts that no run gave, of the claims of study files: every word, second runs, reasons, second-best values."""

from dataclasses import replace

from normbench.evidence.claims.later_looks import OpenReason, SecondRun
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.stored_verdicts import StudyVerdicts
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import CANNOT_TELL, DECIDED, HOLDS, OPPOSITE, SMALLER
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.names import claim_sha256, content_sha256

WORDS = (HOLDS, CANNOT_TELL, OPPOSITE, HOLDS, SMALLER)
LONG = "norm=batch_norm,weight_decay=0.01,model=lenet < norm=none,weight_decay=0.01,model=lenet by 0.05"
PART = ExpectationResult(LONG, "test_loss", True, 16, 1.3, 1.1, 1.5, (1.05,), 0.01, 0.01, HOLDS, num_held=15)
SECOND = SecondRun("held", 16, 1.25, 1.07, 1.44, 0.02, 0.914)
REASON = OpenReason("too dear", "the interval holds both no effect and the margin", 1.2, 0)


def made_up_claim(claim, study, word, **others):
    """Return a claim of a file with a verdict, and all that may be known beside it."""
    parts = [replace(PART, verdict=word)] * len(claim["expect"].get("all", [claim]))
    later = {"second": SECOND, "sensitivity": "same"} if word in DECIDED else {"reason": REASON}
    said = (claim["id"], claim["says"], claim.get("source", {}), word, study, f"normbench run {study}")
    numbers = {"parts": parts, "seeds": list(range(16)), "hash": "abcdef123456", "date": "2026-01-02"}
    return ClaimVerdict(*said, **numbers, versions={"normbench": "0.2.0", "numerics": "3"}, **later, **others)


def made_up_study(path, words=WORDS, **others):
    """Return a verdict for each claim of a study file, whose words go round."""
    data = read_study_file(path).data
    study, sha256 = path.stem, content_sha256(data)
    claims = [
        made_up_claim(
            claim, study, words[i % len(words)], content_sha256=sha256, claim_sha256=claim_sha256(claim), **others
        )
        for i, claim in enumerate(data["claims"])
    ]
    return StudyVerdicts(path, f"What of {study}?", claims)
