"""A study's page: the figures of the terminal, nothing loaded, nothing of a file taken for markup, the same bytes."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import pytest
from command_line import normbench
from html_page import Page
from made_up_runs import make_arm, make_run, make_study, std_rows

from normbench.storage.study_folder import read_study

SEEDS = range(8)
CLAIM = {"says": "It helps.", "metric": "test_loss", "expect": {"less": "b", "than": "a", "by": 0.1}}


def curve(end):
    return [
        {"step": step, "train_loss": loss, "test_loss": 1.2 * loss}
        for step, loss in ((0, 1.0), (10, end + 0.1), (20, end))
    ]


def study_of(name="made_up", arms=("a", "b", "c"), seeds=SEEDS, layer="fc1", runs_dir=Path("runs"), **content):
    """A study whose arms are the worse, the later they come; each has a layer and a setting of its own."""
    said = {"baseline": arms[0], "named": ["norm"], "seeds": list(seeds), "source": "made_up.yaml"} | content
    study = make_study(runs_dir, name, arms=list(arms), **said)
    for place, arm in enumerate(arms):
        folder = make_arm(study, arm, norm=f"norm{place}", model="mlp", changed=["norm"])
        layers = [{"name": layer, "shape": [3, 2], "has_norm": False}]
        for seed in seeds:
            rows = [
                row
                for kind in ("weight", "grad", "activation")
                for step in (0, 20)
                for row in std_rows(kind, {layer: 1.0}, step)
            ]
            make_run(folder, seed, curve(0.2 + 0.1 * place + 0.001 * seed), rows, layers=layers)
    return study


def page_of(study):
    code, out, err = normbench("report", study)
    assert (code, err) == (0, "")
    assert out.startswith("report   runs/")
    assert out.endswith("/report.html\n")
    return Page((study / "report.html").read_text(encoding="utf-8"))


def test_the_page_holds_the_figures_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")
    study = study_of()
    shown = normbench("compare", study, "--details").out
    table = next(table for table in page_of(study).tables if "verdict" in table[0])
    for row in table[1:]:
        line = next(line for line in shown.splitlines() if line.startswith(f"{row[0]} "))
        assert set(filter(None, row)) <= set(re.split(r" {2,}", line)), line
    assert [row[0] for row in table[1:]] == ["a", "b", "c"]


def test_the_page_answers_first_and_says_what_it_rests_on():
    page = page_of(study_of(question="Which one?", claims=[CLAIM], margin=0.1))
    sections = [attributes["href"].removeprefix("#") for attributes in page.of("a")]
    assert {"effects", "arms", "losses", "claims", "failed", "all-settings", "cost", "methods", "again"} <= set(
        sections
    )
    assert {attributes.get("id") for attributes in page.of("h2")} == {"answer", *sections}
    assert page.text.index("Which one?") < page.text.index("Take a (") < page.text.index("against a")
    for said in (
        "0 OPPOSITE It helps.",
        "None of 24 runs collapsed or diverged.",
        "24 finished runs took 36.0 CPU seconds in all.",
    ):
        assert said in page.text
    assert "normbench run made_up.yaml" in page.text
    assert "@article{wilcoxon1945," in page.text


def test_nothing_is_loaded_and_one_known_script_may_run():
    study = study_of()
    page = page_of(study)
    assert {"link", "img", "iframe", "object", "embed", "base", "form"}.isdisjoint(tag for tag, _ in page.elements)
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)
    text = (study / "report.html").read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    policy = next(found["content"] for found in page.of("meta") if found.get("http-equiv") == "Content-Security-Policy")
    assert f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert re.findall(r"@import|url\((?!#)", style) == []


STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
FORGED = ("<script>alert(1)</script>", '"><svg onload>', "</style>{{7*7}}{% x %}", "</title><h2 id>&lt;")


def page_full_of(text):
    """The page of a study in which every text that can be another is this one."""
    expect, source = {"less": f"b{text}", "than": "a", "by": 0.1}, {"title": text, "quote": text, "url": text}
    claim = CLAIM | {"id": text, "expect": expect, "says": text, "source": source, "discussion": text}
    said = {"question": text, "source": text, "quotes": {"a": text}, "claims": [claim]}
    return page_of(study_of(f"s{text}", ("a", f"b{text}"), range(2), text, **said))


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_text_changes_no_element(forged):
    told = forged.replace("/", "-")  # no name of a folder can have it
    page, plain = page_full_of(told), page_full_of("x" * len(told))
    assert page.structure == plain.structure
    assert " ".join(told.split()) in page.text


def test_characters_that_steer_a_terminal_or_turn_text_are_written_as_escapes():
    page = page_full_of("\x1b[31m\u202e\x9b")
    assert STEERING.findall(page.text) == []
    assert "\\u001b[31m\\u202e\\u009b" in page.text


def test_equal_folders_give_equal_bytes(monkeypatch):
    pages = []
    for place in (Path("one"), Path("two")):
        place.mkdir()
        monkeypatch.chdir(place)
        page_of(study := study_of(claims=[CLAIM]))
        pages.append((study / "report.html").read_bytes())
        monkeypatch.chdir("..")
    assert pages[0] == pages[1]


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 0.0, -1e308, 5e-324])
def test_odd_numbers_make_a_page(value):
    study = study_of("odd", seeds=range(3))
    folder = make_arm(make_study(name="odd", arms=["a", "b", "c", "d"], baseline="a"), "d", norm="odd")
    for seed in range(3):
        stats = std_rows("activation", {"fc1": value}) + std_rows("grad", {"fc1": value})
        status = "finished" if value == value and abs(value) < 2 else "diverged"
        make_run(folder, seed, [{"step": 0, "test_loss": 1.0}, {"step": 20, "test_loss": value}], stats, status=status)
    assert "d" in [row[0] for table in page_of(study).tables for row in table]


def test_a_study_without_runs_one_arm_and_one_seed_make_pages():
    assert "Nothing finished yet." in page_of(make_study(name="empty", arms=["a"])).text
    assert "one seed each is no evidence" in page_of(study_of("few", ("a", "b"), [0])).text
    assert page_of(study_of("single", ("a",), [0])).of("h1")


def test_of_many_arms_the_best_are_shown_and_the_others_folded():
    arms = [f"arm{place}" for place in range(30)]
    study = study_of("many", arms[::-1], range(2))
    tables = [table for table in page_of(study).tables if "arm" in table[0] and "test loss" in table[0]]
    assert [len(table) - 1 for table in tables] == [24, 6]
    assert {row[0] for table in tables for row in table[1:]} == set(arms)


def test_lines_and_layers_stand_in_the_order_of_the_table():
    study = study_of(arms=("b", "c", "a"))
    text = page_of(study).text
    assert re.findall("Output std of each layer: ([abc])", text) == ["b", "c", "a"]
    assert "Each chart has shades of its own" in text


def test_a_study_is_named_as_in_compare():
    study = study_of(seeds=range(2))
    assert normbench("report", study.name) == normbench("report", study)
    rule = "must be a folder, here or in runs, got none. See what there is: normbench list"
    assert normbench("report", "missing")[::2] == (2, f"missing: {rule}\n")


def test_the_index_leads_to_each_page():
    studies = [study_of(name, claims=[CLAIM], question=f"{name}?") for name in ("one #1?", "a:b", "third")]
    code, out, err = normbench("report", "--out", "index.html")
    assert (code, err) == (0, "")
    assert sorted(out.split("\n")) == sorted(
        ["", "report   index.html", *(f"report   {study}/report.html" for study in studies)]
    )
    index = Page(Path("index.html").read_text(encoding="utf-8"))
    links = [found["href"] for found in index.of("a")]
    assert [Path(unquote(link)) for link in links] == sorted(study / "report.html" for study in studies)
    assert not any(set(":?#") & set(link) for link in links)
    assert "Against a: 2 worse." in index.text
    assert "1 claim: 1 opposite." in index.text


def test_arms_are_named_as_in_the_table_by_label_or_by_name():
    study = study_of("grid", ("norm=none,lr=0.1", "norm=none,lr=0.2", "b"), range(2), baseline=None)
    code, _, err = normbench("report", study, "--arms", "norm=none,lr=0.2,b")
    assert (code, err) == (0, "")
    drawn = [found.get("aria-label", "") for found in Page((study / "report.html").read_text()).of("div")]
    assert not any(label.startswith("norm=none,lr=0.1") for label in drawn)
    code, _, err = normbench("report", study, "--arms", "b,missing")
    assert code == 2
    assert err.startswith("--arms b,missing: must be arms of grid, got 'missing'.")


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("--out", "page.txt"), "--out page.txt: must end in .html"),
        (("--out", "no/such/page.html"), "no/such/page.html: must be a file this user may write"),
    ],
)
def test_a_page_that_cannot_be_written_is_a_line(words, start):
    code, out, err = normbench("report", study_of(seeds=[0]), *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(start)


def test_a_link_in_the_place_of_a_page_is_replaced_not_followed():
    study = study_of(seeds=[0])
    Path("other.txt").write_text("mine", encoding="utf-8")
    (study / "report.html").symlink_to("../../other.txt")
    page_of(study)
    assert Path("other.txt").read_text(encoding="utf-8") == "mine"
    assert not (study / "report.html").is_symlink()
    assert read_study(study).arms


def test_a_setting_that_is_a_number_has_its_own_section_and_another_has_none():
    for name, values, has_section in (
        ("numbers", (1, 2, 4), True),
        ("mixed", (1, [2], "x"), False),
        ("two", (1, 2), False),
    ):
        arms = [f"batch_size={place}" for place in range(len(values))]
        study = make_study(name=name, arms=arms, axes=["batch_size"])
        for arm, value in zip(arms, values, strict=True):
            folder = make_arm(study, arm, batch_size=value)
            for seed in range(2):
                make_run(folder, seed, curve(0.2))
        assert ("By batch_size" in page_of(study).text) is has_section
