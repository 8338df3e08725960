"""Links lead somewhere, and the first picture is true."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from injector.core import admission, templates
from injector.core.model import Namespace, Policy, Review
from injector.core.selection import Catalog
from tests.docs import pages
from tests.docs.pages import PAGES, ROOT

LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")
LINKS = list(dict.fromkeys(
    (page, found[1], found[2] or "") for page in PAGES for found in LINK.finditer(pages.read(page))
))  # fmt: skip


def anchors(page):
    """The anchors of a page, as GitHub makes them of its headings."""
    text = re.sub(r"^```.*?^```$", "", pages.read(page), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize(
    ("page", "path", "anchor"), LINKS, ids=[f"{page} {path}#{anchor}" for page, path, anchor in LINKS]
)
def test_a_link_leads_to_a_file_and_a_heading_that_exist(page, path, anchor):
    target = (ROOT / page).parent / path if path else ROOT / page

    assert target.exists()
    assert not anchor or anchor in anchors(str(target.resolve().relative_to(ROOT)))


def test_every_page_of_the_documentation_can_be_reached_from_the_readme():
    reached, new = set(), {"README.md"}
    while new:
        reached |= new
        found = {((ROOT / page).parent / path).resolve() for page, path, _ in LINKS if page in new and path}
        new = {str(path.relative_to(ROOT)) for path in found if path.suffix == ".md"} & set(PAGES) - reached

    assert set(PAGES) == reached


def test_the_readme_is_the_description_of_the_package():
    assert "README.md" == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["readme"]


def test_the_picture_in_the_readme_is_what_injection_does():
    (picture,) = pages.blocks("README.md", "diff")
    lines = picture.text.splitlines()
    before = yaml.safe_load("\n".join(line[1:] for line in lines if not line.startswith("+")))
    after = yaml.safe_load("\n".join(line[1:] for line in lines))

    injected = inject(before)

    assert before != after
    assert contains(injected, after)
    assert not contains(before, after)


def inject(pod):
    policy = Policy()
    stored = [templates.parse(yaml.safe_load(file.read_text()), policy) for file in ROOT.glob("templates/*.yaml")]
    catalog = Catalog({template.reference: template for template in stored})
    review = Review(uid="1", api_version="", namespace="shop", object=pod)
    return admission.admit(review, Namespace(name="shop"), catalog, policy, lambda: False).pod


def contains(whole, part):
    """Whether *whole* says all that *part* says; items of lists in any place."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(contains(whole.get(key), value) for key, value in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(contains(item, wanted) for item in whole) for wanted in part)
    return part == whole
