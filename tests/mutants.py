"""
Break the engine on purpose, one rule at a time, and see that the tests notice: ``python -m tests.mutants [NAME…]``.

Each mutant replaces one text of the engine's source in a copy of the repository. Golden cases and the tests of the
core are tried first, then the laws with few examples. A mutant that all of them let live is a rule without a test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("injector", "tests", "templates", "pyproject.toml")
SUITES = {
    "cases": ["tests/golden", "tests/core", "--deselect=tests/golden/test_golden.py::test_golden_file_is_fresh"],
    "laws": ["tests/laws"],
}


@dataclass(frozen=True)
class Mutant:
    """A rule that is broken by one replacement; the text must be found exactly once."""

    name: str
    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Run:
    """One suite on one copy: the first test that failed, empty if none did."""

    suite: str
    killer: str
    output: str


MUTANTS = (
    Mutant("the pod no longer wins over a label", "filling",
           "if have.get(key) is None}", "if have.get(key) != value}"),
    Mutant("members of a union mix", "filling",
           "return members if any(", "return () if any("),
    Mutant("whole structs are filled in field by field", "filling",
           "and field.of not in WHOLE ", ""),
    Mutant("defaults count as present", "filling",
           "if have != ours and defaults.is_default(type_name, name, have, mine):", "if False:"),
    Mutant("empty lists count as present", "filling",
           ' or (not have and field.kind in ("list", "map"))', ""),
    Mutant("requests and limits of one resource mix", "filling",
           'named = {*(mine.get("requests") or {}), *(mine.get("limits") or {})}', "named: set[str] = set()"),
    Mutant("elements of a set are added again", "filling",
           "return [item for item in ours if defaults.normalized(field.of, item) not in have]", "return ours"),
    Mutant("a port without a protocol is another one", "filling",
           '"TCP" if key == "protocol" and not item.get(key) else item.get(key)', "item.get(key)"),
    Mutant("two volumes at one path are no conflict", "filling",
           'if field.of == "VolumeMount" and', "if False and"),
    Mutant("the computed priority stays", "filling",
           "if mine.get(name) is not None and name not in ours)", "if False)"),
    Mutant("merge changes its argument", "merging",
           "    return {**holder, **changed} if changed else holder\n",
           "    holder.update(changed)\n    return holder\n"),
    Mutant("image auto ignores the pull policy", "merging",
           "if policy is None or policy != defaults.default_pull_policy(AUTO_IMAGE):", "if True:"),
    Mutant("native sidecars are appended", "merging",
           "before=[*sidecars, *first]", "before=first"),
    Mutant("plain init containers come first", "merging",
           "if fragment.template.init_first else", "if not fragment.template.init_first else"),
    Mutant("variables come into containers that templates bring", "merging",
           "if name not in produced for place in places]", "for place in places]"),
    Mutant("a volume with another source is no conflict", "merging",
           "                _check_source(mine, volume)\n", ""),
    Mutant("the token stays in an overlay", "tokens",
           "[shielded if _is_plugins(mounted) else mounted for mounted in mounts]", "mounts"),
    Mutant("the token is left to the plugin", "tokens",
           "    if plugins is None:\n", "    if True:\n"),
    Mutant("a token that the author mounted is taken for the plugin's", "tokens",
           ' and not _is_authored(pod, volume["name"]) else None', " else None"),
    Mutant("the token comes though a template switches it off", "tokens",
           "return not is_off and spec.get(", "return spec.get("),
    Mutant("the token comes though a container of the pod has none", "tokens",
           "if mounted is None:\n                return None\n", "if mounted is None:\n                continue\n"),
    Mutant("ephemeral containers are not looked at", "merging",
           "        _check_ephemeral(self._spec, fragment)\n", ""),
    Mutant("mounts are checked template by template", "admission",
           "            earlier |= fragment.containers\n",
           "            earlier |= fragment.containers\n            draft.check_mounts(fragment)\n"),
    Mutant("a conflict is charged to the earlier template", "admission",
           "        raise Failure(fragment.template, error) from error",
           "        raise Failure(settled.fragments[0].template, error) from error"),
    Mutant("failures of templates asked for by name skip", "admission",
           " or (is_authors and asked_by_name and template.on_error is None)", ""),
    Mutant("the status annotation decides", "admission",
           "    if request.problem:\n",
           "    if policy.domain.status in annotations:\n        return Verdict(reason=Reason.ALREADY_INJECTED)\n"
           "    if request.problem:\n"),
    Mutant("the proof is skipped", "admission",
           "        patches.prove(review.object, verdict.patch, verdict.pod)\n", ""),
    Mutant("templates see what they bring", "rounds",
           "if brought == hidden:", "if True:"),
    Mutant("a template sees the volumes that it brings", "rounds",
           '"volumes": hidden.volumes}', '"volumes": frozenset()}'),
    Mutant("templates see the record", "rounds",
           'if status in (metadata.get("annotations") or {}):', "if False:"),
    Mutant("fragments are remembered whatever the pod says", "assembly",
           "read = inputs.read(template.inputs, shown)", 'read = b""'),
    Mutant("what a loop reads of an item is forgotten", "inputs",
           "inside = {**known, loop.target.name: (*over, EACH)}", "inside = known"),
    Mutant("a loop never sees the neighbours of an item", "inputs",
           " or _sees_neighbours(loop):", ":"),
    Mutant("a container that two templates fill knows the last one only", "merging",
           "mine = self._lists[name][index]", "mine = self._spec[name][index]"),
    Mutant("the condition is not asked", "assembly",
           "if template.when is not None and not rendering.evaluate(template.when, scope):", "if False:"),
    Mutant("the order between templates is reversed", "selection",
           "chosen.sort(key=lambda pair: (pair[0].order, pair[0].reference))",
           "chosen.sort(key=lambda pair: (-pair[0].order, pair[0].reference))"),
    Mutant("defaults stand in the order of the store", "selection",
           "sorted(defaults, key=lambda template: template.reference)", "list(defaults)"),
    Mutant("a pod's own label does not opt it out", "selection",
           'if label == "false":', "if False:"),
    Mutant("a minus takes nothing away", "selection",
           'if "*" in request.unwanted or template.reference in request.unwanted:', "if False:"),
    Mutant("templates of a namespace serve all", "selection",
           "return policy.namespace_templates and template.namespace == namespace.name",
           "return policy.namespace_templates"),
    Mutant("the namespace wins over the pod", "parameters",
           '(("namespace", given.namespace), ("pod", given.pod))',
           '(("pod", given.pod), ("namespace", given.namespace))'),
    Mutant("the record is never replaced", "status",
           "if annotations.get(domain.status) == text:", "if domain.status in annotations:"),
    Mutant("an overlay is claimed as ours", "status",
           'return filling.covers("Container", mine, ours)', "return True"),
    Mutant("labels of our own domain may be written", "fragments",
           "        if domain.owns(name):\n", "        if False:\n"),
    Mutant("two elements of one key pass", "shapes",
           "        if key in seen:\n", "        if False:\n"),
    Mutant("every template is privileged", "policy",
           "is_privileged = fragment.template.name in policy.privileged_templates", "is_privileged = True"),
    Mutant("diff removes", "patches",
           '        raise UnprovenPatch(f"a field of {path or \'the pod\'} would be removed")\n',
           '        found.append(Operation("remove", f"{path}/{min(before.keys() - after.keys())}", None))\n'),
    Mutant("pointers are not escaped", "patches",
           'return key.replace("~", "~0").replace("/", "~1") if "/" in key or "~" in key else key', "return key"),
    Mutant("true is one", "patches",
           "    if kind is not type(right):\n        return False\n", ""),
    Mutant("warnings keep their line breaks", "reviews",
           '" ".join(warning.split())', "warning"),
)  # fmt: skip


def main(names: list[str]) -> int:
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            _copy(ROOT / name, copy / name)
        red = [run for run in (_run(suite, copy) for suite in SUITES) if run.killer]
        if red:
            print(f"without any mutant the tests fail already: {red[0].killer}\n{red[0].output}")
            return 2
        survivors = [mutant for mutant in chosen if not _is_killed(mutant, copy)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants are noticed")
    return 1 if survivors else 0


def mutated(source: str, mutant: Mutant) -> str:
    """Return the source with the rule broken; ends the run if its text is not found exactly once."""
    if source.count(mutant.old) != 1:
        found = f"{mutant.old!r} stands {source.count(mutant.old)} times in {mutant.file}.py"
        raise SystemExit(f"mutant {mutant.name!r}: {found}")
    return source.replace(mutant.old, mutant.new)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def _is_killed(mutant: Mutant, copy: Path) -> bool:
    """Try one mutant on the copy, which is as before afterwards, and print its line of the table."""
    file, start = copy / "injector" / "core" / f"{mutant.file}.py", time.monotonic()
    source = file.read_text()
    file.write_text(mutated(source, mutant))
    try:
        runs = (_run(suite, copy) for suite in SUITES)
        killed = next((run for run in runs if run.killer), None)
    finally:
        file.write_text(source)
    verdict = f"{killed.suite:6} {killed.killer}" if killed else "SURVIVES"
    print(f"{mutant.name:55} {time.monotonic() - start:5.1f} s  {verdict}", flush=True)
    return killed is not None


def _run(suite: str, copy: Path) -> Run:
    """Run a suite until its first failure."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=line", "-p", "no:cacheprovider", *SUITES[suite]]
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "mutants", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return Run(suite, "", "")
    found = re.search(r"^(?:FAILED|ERROR) (?:\S*::)?(\w+)?.*$", done.stdout, re.MULTILINE)
    return Run(suite, (found and (found[1] or found[0])) or "it does not even start", done.stdout[-4000:] + done.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
