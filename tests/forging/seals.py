"""Makes the seals and digests of a forged study right again, so that only its content is wrong."""

import json
from hashlib import sha256

from forging.forgery import RUNS, STUDY, entries, is_regular

from normbench.storage.files import json_files
from normbench.storage.finished_study import FINISHED_JSON, deciding_files
from normbench.storage.run_folder import SUMMARY_JSON
from normbench.storage.timings import TIMINGS_JSON

SEAL = json_files._SEAL.encode()


def make_right():
    """Seal the summaries with the digests of the files beside them, then what else is sealed."""
    found = [path for path in entries() if path.name.endswith(".json") and is_regular(path)]
    for path in sorted([*found, RUNS / TIMINGS_JSON], key=lambda path: path.name == FINISHED_JSON):
        if is_regular(path):
            raw = known = path.read_bytes()
            if path.name == SUMMARY_JSON:
                raw = with_digests(raw, path.parent)
            elif path.name == FINISHED_JSON:
                raw = with_digests_of_study(raw)
            if sealed(raw) != known:  # what is written need be restored
                path.write_bytes(sealed(raw))


def sealed(raw):
    """Return a file's bytes with the seal right; those of a file without a seal as they are."""
    body, seal, _ = raw.rpartition(SEAL)
    return body + seal + f"{sha256(body).hexdigest()}{json_files._END}".encode() if seal else raw


def content_of(raw):
    """Return the object that a file holds; an empty one where it holds something else."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) and isinstance(content.get("files"), dict) else {}


def with_digests(raw, folder):
    """Put in the digest of each file that a summary names."""
    for name, known in content_of(raw).get("files", {}).items():
        if isinstance(known, str) and "\0" not in name and is_regular(folder / name):
            raw = raw.replace(
                known.encode("utf-8", "replace"), sha256((folder / name).read_bytes()).hexdigest().encode()
            )
    return raw


def with_digests_of_study(raw):
    """Put in the digests of the files on which a finished study rests."""
    content = content_of(raw)
    try:
        return as_sealed_json(content | {"files": deciding_files(STUDY)}) if "sha256" in content else raw
    except OSError:
        return raw


def as_sealed_json(tree):
    """Return a tree as normbench writes it, where its seal, if there is one, is the last entry."""
    if isinstance(tree, dict) and isinstance(tree.get("sha256"), str):
        tree = {key: value for key, value in tree.items() if key != "sha256"} | {"sha256": tree["sha256"]}
    return (json.dumps(tree, indent=2) + "\n").encode()
