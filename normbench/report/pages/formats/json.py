"""JSON: all numbers unrounded, each object with its format and version; docs/json.md has every field."""

import json
from typing import Any

from normbench.report.pages.formats.base import Result
from normbench.storage.files.json_files import json_ready


def write(result: Result) -> str:
    """Return the content as JSON; a number that is not finite becomes null. Other letters than ASCII's are escaped."""
    content, stamp = result.content(), result.document.stamp
    stamped: Any = [stamp | one for one in content] if isinstance(content, list) else stamp | content
    return json.dumps(json_ready(stamped), indent=2, default=str)
