"""Every variant of every part, every setting and every key of a study has a page in `explain`, found by itself."""

from functools import cache
from pathlib import Path

import pytest
from contracts.variants import PARTS, all_variants, each
from rich.cells import cell_len

from normbench.errors import ConfigError
from normbench.inspection.explain.meanings import meanings
from normbench.inspection.explain.names import all_names, find_pages, overview
from normbench.inspection.explain.settings import all_settings, part_packages
from normbench.inspection.explain.value_words import yaml_words
from normbench.report.blocks.explain.pages import explain_blocks
from normbench.report.terminal.render import MAX_LINES, blocks_rows
from normbench.storage.files.yaml_file import parse_yaml
from normbench.study.config import RunConfig
from normbench.study.setting_groups import RecordingConfig
from normbench.study.study_keys import StudyKeys

SHAPE, WIDTH = (8, 6, 4, 4), 80
ROOT = Path(__file__).parents[2]
VARIANTS = [variant for part in sorted(PARTS) for variant in all_variants(part)]
SETTINGS = all_settings()
EACH_SETTING = pytest.mark.parametrize("page", SETTINGS, ids=lambda page: f"{page.key}-{page.belongs_to}")
MEANINGS = {
    **meanings(RunConfig),
    **{f"recording.{key}": text for key, text in meanings(RecordingConfig).items()},
    **meanings(StudyKeys),
}


def name_of(variant):
    return variant.model_fields["name"].default


@cache
def follows_shape(name):
    try:
        find_pages(name, SHAPE)
    except ConfigError as error:
        return f"--shape 8,6,4,4: must go with norm or the name of a norm, got {name}." not in str(error)
    return True


@cache
def pages_of(name):
    return find_pages(name, SHAPE if follows_shape(name) else None)


@cache
def lines_of(name):
    return [text for text, _ in blocks_rows(explain_blocks(pages_of(name)), WIDTH)]


def text_of(name):
    return " ".join(" ".join(lines_of(name)).split())


@pytest.mark.parametrize("variant", each(VARIANTS))
def test_every_setting_of_a_variant_has_a_docstring(variant):
    told = meanings(variant)
    assert [key for key in variant.setting_fields() if not told[key].endswith(".")] == []


@pytest.mark.parametrize("key", MEANINGS)
def test_every_key_of_a_file_has_a_docstring(key):
    assert MEANINGS[key].endswith(".")


@pytest.mark.parametrize("variant", each(VARIANTS))
def test_the_page_of_a_variant_tells_its_settings_with_their_defaults(variant):
    told = text_of(name_of(variant))
    assert f"{variant.__module__.replace('.', '/')}.py" in told
    for key, info in variant.setting_fields().items():
        default = "must be given" if info.is_required() else yaml_words(info.get_default(call_default_factory=True))
        assert f"{key} {default}: {meanings(variant)[key]}" in told


@EACH_SETTING
def test_the_page_of_a_setting_names_its_default_and_has_no_empty_field(page):
    assert all(vars(page).values())
    for name in page.names:
        told = text_of(name)
        assert f"{page.key} · " in told
        assert f"default {page.default} written {page.where.split()[0]}" in told
        assert page.meaning in told


def test_every_setting_has_a_page():
    told = {(page.key, owner) for page in SETTINGS for owner in page.belongs_to.split(", ")}
    keys = {package.rpartition(".")[2]: key for key, package in part_packages().items()}
    assert set(keys) == PARTS
    each_of = [(keys[part], variant) for part in PARTS for variant in all_variants(part)]
    of_parts = {(f"{part}.{key}", name_of(variant)) for part, variant in each_of for key in variant.setting_names()}
    of_files = {(key, "a study" if key in StudyKeys.model_fields else "every run") for key in MEANINGS}
    assert told == of_parts | of_files


@EACH_SETTING
def test_the_example_of_a_setting_is_taken_by_a_file(page):
    said = parse_yaml("\n".join(page.example), "example").data
    base = {"model": "mlp", "dataset": "gaussian_clusters"}
    if page.belongs_to == "a study":
        assert StudyKeys.model_validate(said).model_dump(exclude_defaults=True) == said
    else:
        assert RunConfig.model_validate(base | said) != RunConfig.model_validate(base)


@EACH_SETTING
def test_the_docs_that_say_more_name_the_setting(page):
    assert f"`{page.key.rpartition('.')[2]}" in (ROOT / page.docs).read_text(encoding="utf-8").replace("recording.", "")


@pytest.mark.parametrize("name", all_names())
def test_no_page_is_wider_than_the_terminal_or_without_text(name):
    assert max(map(cell_len, lines_of(name))) <= WIDTH
    for block in explain_blocks(pages_of(name)):
        texts = [line.text for line in block.lines]
        assert all(texts)
        assert texts or block.table or not block.heading


def test_the_list_of_all_names_fits_on_a_screen_and_leaves_out_none():
    rows = [text for text, _ in blocks_rows(explain_blocks([overview()]), WIDTH)]
    assert len(rows) <= MAX_LINES
    assert max(map(cell_len, rows)) <= WIDTH
    listed = {word.strip(",") for row in rows for word in row.split()}
    assert {name_of(variant) for variant in VARIANTS} <= listed
    assert {key.rpartition(".")[2] for key in MEANINGS} <= listed


@pytest.mark.parametrize("name", all_names())
def test_shape_changes_the_page_or_is_refused(name):
    if follows_shape(name):
        assert find_pages(name, (4, 6, 2, 2)) != pages_of(name)
