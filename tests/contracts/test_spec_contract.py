"""Every variant of every part: what YAML may say about it."""

import pytest
import yaml
from contracts.variants import PARTS, all_settings, each, variants
from pydantic import ValidationError

from normbench.parts import find_specs

EVERY_VARIANT = [variant for part in sorted(PARTS) for variant in variants(part)]
EVERY_SETTING = [spec for part in sorted(PARTS) for spec in all_settings(part)]


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_file_of_a_part_holds_the_variant_of_its_name(part):
    found = find_specs(f"normbench.{part}")
    assert found
    assert {name: spec.model_fields["name"].default for name, spec in found.items()} == {name: name for name in found}
    assert {name: spec.__module__ for name, spec in found.items()} == {n: f"normbench.{part}.{n}" for n in found}


@pytest.mark.parametrize("variant", each(EVERY_VARIANT))
def test_the_name_is_the_only_one_a_variant_takes(variant):
    with pytest.raises(ValidationError, match="name"):
        variant(name="something_else")


@pytest.mark.parametrize("spec", each(EVERY_SETTING))
def test_a_spec_written_to_yaml_and_read_back_is_equal(spec):
    text = yaml.safe_dump(spec.model_dump(mode="json"))
    assert type(spec)(**yaml.safe_load(text)) == spec


@pytest.mark.parametrize("spec", each(EVERY_SETTING))
def test_what_changed_is_enough_to_make_the_spec_again(spec):
    assert type(spec)(**spec.changed()) == spec


@pytest.mark.parametrize("variant", each(EVERY_VARIANT))
def test_an_unknown_key_is_refused(variant):
    with pytest.raises(ValidationError) as refusal:
        variant(no_such_setting=1)
    assert [error["type"] for error in refusal.value.errors()] == ["extra_forbidden"]


@pytest.mark.parametrize("variant", each(EVERY_VARIANT))
def test_a_spec_is_frozen(variant):
    spec = variant()
    for key in type(spec).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(spec, key, getattr(spec, key))


@pytest.mark.parametrize("variant", each(EVERY_VARIANT))
def test_equal_specs_have_equal_hashes(variant):
    assert hash(variant()) == hash(variant())


@pytest.mark.parametrize("variant", each(EVERY_VARIANT))
def test_the_first_line_of_the_docstring_is_a_sentence(variant):
    first_line = (variant.__dict__["__doc__"] or "").splitlines()[0]
    assert first_line.endswith(".")
    assert len(first_line) > len("A norm.")


@pytest.mark.parametrize("variant", each(EVERY_VARIANT))
def test_numbers_in_quotes_are_refused(variant):
    for key, default in variant().model_dump().items():
        if isinstance(default, int | float) and not isinstance(default, bool):
            with pytest.raises(ValidationError, match=key):
                variant(**{key: str(default)})
