"""Values, their schema, their table and the server's settings say the same."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from injector.core import templates
from injector.shell.settings import OPTIONS
from tests.chart import pages
from tests.chart.pages import CHART

TEXT = (CHART / "values.yaml").read_text()
VALUES = yaml.safe_load(TEXT)
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
PRESETS = sorted(CHART.glob("values-*.yaml"))
OWNED = {
    # settings that other values stand for
    "store", "port", "probe_port", "domain", "release_namespace", "release_name", "excluded_namespaces",
    "privileged_templates", "parameters", "kubernetes_version", "timeout", "drain_seconds",
}  # fmt: skip
FIXED = {"host", "probe_host", "certificate", "key", "templates", "kubeconfig"}
"""Settings that have one right value in a pod: their default."""


def schemas(schema):
    yield schema
    for key in ("properties", "definitions"):
        for each in schema.get(key, {}).values():
            yield from schemas(each)
    if isinstance(schema.get("items"), dict):
        yield from schemas(schema["items"])


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_defaults_fit_the_schema():
    jsonschema.validate(VALUES, SCHEMA)


@pytest.mark.parametrize("preset", PRESETS, ids=[preset.name for preset in PRESETS])
def test_a_preset_fits_the_schema_and_says_something_new(preset):
    found = yaml.safe_load(preset.read_text())
    jsonschema.validate(found, SCHEMA)

    assert [] == [path for path in pages.leaves(found) if lookup(found, path) == lookup(VALUES, path)]


def test_every_value_is_in_the_schema_and_every_name_of_the_schema_has_a_default():
    free = {"global"}  # belongs to all charts of a release

    assert [] == list(differences(VALUES, SCHEMA, free))


def test_no_part_of_the_schema_lets_a_misspelt_name_pass():
    open_ones = [
        each for each in schemas(SCHEMA) if "properties" in each and each.get("additionalProperties") is not False
    ]

    assert [SCHEMA["properties"]["global"]] == open_ones


def test_every_value_is_explained_once():
    explained = [value.path for value in pages.values(TEXT)]
    whole = [f"{path}." for path in explained]  # one sentence for a mapping is one for all in it
    alone = [path for path in pages.leaves(VALUES) if not path.startswith(tuple(whole))]

    assert len(set(explained)) == len(explained)
    assert set(alone) <= set(explained)


def test_the_tables_of_the_readme_are_made_from_the_values():
    _prose, heading, rest = (CHART / "README.md").read_text().partition("\n### ")

    assert pages.tables(TEXT) == (heading + rest).lstrip("\n"), "python -m tests.chart.pages"


def test_every_setting_of_the_server_can_be_set_through_the_chart():
    settings = set(SCHEMA["properties"]["settings"]["properties"])

    assert {camel(option.name) for option in OPTIONS} == settings | {camel(name) for name in OWNED | FIXED}
    assert set() == settings & {camel(name) for name in OWNED | FIXED}


def test_data_keys_of_templates_are_those_that_the_server_knows():
    keys = SCHEMA["definitions"]["template"]["properties"]["data"]["properties"]

    assert sorted(templates.DATA_KEYS) == sorted(keys)


def test_shipped_templates_are_copies_of_those_of_the_repository():
    ours = {path.name: path.read_text() for path in (CHART / "files" / "templates").iterdir()}
    theirs = {path.name: path.read_text() for path in (CHART.parents[1] / "templates").glob("*.yaml")}

    assert theirs == ours, "cp templates/*.yaml helm/pillion/files/templates/"


def test_shipped_templates_can_be_chosen():
    names = sorted(path.stem for path in (CHART / "files" / "templates").iterdir())

    assert names == SCHEMA["properties"]["shippedTemplates"]["items"]["enum"]


def camel(name):
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def lookup(tree, path):
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def differences(values, schema, free):
    """Yield the names that only one of both has."""
    properties = schema.get("properties")
    if properties is None or not isinstance(values, dict) or not values:
        return
    yield from sorted(set(values) ^ set(properties))
    for key in set(values) & set(properties) - free:
        yield from differences(values[key], properties[key], free)
