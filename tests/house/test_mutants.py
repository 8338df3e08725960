"""That the mutants can be made: who moves a rule's text takes its mutant along."""

from __future__ import annotations

import pytest

from tests import mutants


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_the_text_of_a_mutant_stands_once_in_the_engine(mutant):
    source = (mutants.ROOT / "injector" / "core" / f"{mutant.file}.py").read_text()

    assert source != mutants.mutated(source, mutant)


def test_every_mutant_has_a_name_of_its_own():
    names = [mutant.name for mutant in mutants.MUTANTS]

    assert sorted(set(names)) == sorted(names)
