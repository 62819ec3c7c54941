"""An HTML page as tests read it: its elements with their attributes, its tables, its text."""

from html.parser import HTMLParser

EMPTY = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Reads a page; every element must be closed in the right order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.tables, self.texts, self.open = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("th", "td"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)
        if self.open and self.open[-1] in ("th", "td"):
            self.tables[-1][-1][-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    @property
    def structure(self):
        """Each element with the names of its attributes: what no text of a file can change."""
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def of(self, tag):
        """The attributes of each element of a kind."""
        return [attributes for found, attributes in self.elements if found == tag]
