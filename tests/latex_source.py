"""What is wrong with LaTeX that nothing here can set: braces, environments, columns, special characters, letters."""

import re

BEGIN = re.compile(r"\\(begin|end)\{(\w+)\}")
ESCAPED = re.compile(r"\\[{}$&#%_]")
FORMULA = re.compile(r"\$[^$]*\$")


def latex_mistakes(text):
    """Return a line for each mistake."""
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    body = ESCAPED.sub("", "\n".join(lines))
    return [*_unbalanced(body), *_environments("\n".join(lines)), *_special(FORMULA.sub("", body)), *_rows(lines)]


def _unbalanced(body):
    depth = 0
    for letter in body:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            return ["a brace closes that was not opened"]
    return ["a brace stays open"] * bool(depth) + ["a formula stays open"] * (body.count("$") % 2)


def _environments(text):
    opened = []
    for kind, name in BEGIN.findall(text):
        if kind == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            return [f"\\end{{{name}}} does not close what was begun"]
    return [f"{name} stays open" for name in opened]


def _special(body):
    return [f"{letter} is not escaped" for letter in '#%_^~<>|"' if letter in body]


def _rows(lines):
    """Return a line for each row of a table that has not as many cells as the table has columns."""
    found, columns = [], None
    for line in lines:
        begun = re.search(r"\\begin\{tabular\}\{([lr]+)\}", line)
        columns = len(begun[1]) if begun else None if r"\end{tabular}" in line else columns
        if columns and line.endswith(r" \\") and not begun:
            spans = sum(int(wide) - 1 for wide in re.findall(r"\\multicolumn\{(\d+)\}", line))
            cells = ESCAPED.sub("", line).count("&") + 1 + spans
            found += [f"{cells} cells in {columns} columns: {line}"] * (cells != columns)
    return found
