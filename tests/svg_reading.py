"""Reads charts back: elements by class, and every coordinate that their shapes and texts have."""

import re
import xml.etree.ElementTree as ET

_COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
_SIZES = {"m": 2, "l": 2, "h": 1, "v": 1, "a": 7, "z": 0}


def parse(markup):
    """Return the chart's root element; markup that is not well-formed raises."""
    return ET.fromstring(markup)


def with_class(root, name):
    """Return the elements of a class."""
    return [one for one in root.iter() if name in one.get("class", "").split()]


def words(root):
    """Return the texts that are drawn."""
    return [one.text for one in root.iter("text")]


def classes(root):
    """Return every class in a chart."""
    return {name for one in root.iter() for name in one.get("class", "").split()}


def size(root):
    """Return the chart's width and height."""
    return tuple(map(float, root.get("viewBox").split()[2:]))


def places(root):
    """Yield every (x, y) of circles, texts and paths."""
    for one in root.iter():
        if one.tag == "circle":
            x, y, r = (float(one.get(key)) for key in ("cx", "cy", "r"))
            yield from ((x - r, y - r), (x + r, y + r))
        elif one.tag == "text":
            yield float(one.get("x")), float(one.get("y"))
        elif one.tag == "path":
            yield from path_places(one.get("d"))


def path_places(way):
    """Yield the points that a path goes through."""
    x = y = 0.0
    for name, said in _COMMAND.findall(way):
        numbers = [float(one) for one in re.findall(r"-?[\d.]+", said)]
        kind = name.lower()
        for i in range(0, len(numbers), _SIZES[kind] or 1):
            step = numbers[i : i + _SIZES[kind]]
            is_relative = name.islower()
            if kind == "h":
                x = x * is_relative + step[0]
            elif kind == "v":
                y = y * is_relative + step[0]
            else:
                x, y = x * is_relative + step[-2], y * is_relative + step[-1]
            yield x, y
