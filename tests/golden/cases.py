"""The golden folders, read and run through the engine: from the bytes of a review to the bytes of its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from injector.core import patches, templates
from injector.core.errors import TemplateError
from injector.core.model import BrokenTemplate, Namespace, Object, Policy, Template
from injector.core.reasons import Reason
from injector.core.selection import Catalog
from tests import calls
from tests.calls import Reply

GOLDEN = Path(__file__).parent
SHIPPED = GOLDEN.parents[1] / "templates"
STATUS = Policy().domain.status
NAMES = tuple(sorted(file.parent.name for file in GOLDEN.glob("*/case.yaml")))


@dataclass(frozen=True)
class Case:
    """One folder, with everything that the engine is to be called with and what is to come out."""

    folder: Path
    rules: dict[str, Any]
    pod: Object
    policy: Policy
    catalog: Catalog
    namespace: Namespace

    @property
    def expected(self) -> Object | None:
        """The pod afterwards; None if it is denied."""
        return None if "denied" in self.rules else read(self.folder / "expected.yaml")

    def recorded(self, name: str) -> Object | None:
        """A pod as a live API server delivers it; None where it was refused before any webhook was called."""
        file = self.folder / name
        return orjson.loads(file.read_bytes()) if file.exists() else None


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


@cache
def load(name: str) -> Case:
    folder = GOLDEN / name
    rules, pod = read(folder / "case.yaml"), read(folder / "pod.yaml")
    settings = rules.get("policy") or {}
    allowed = frozenset(settings.get("privileged_templates", ()))
    policy = Policy(**{**settings, "privileged_templates": allowed})
    stored = [template_of(item, policy) for item in yaml.safe_load_all((folder / "templates.yaml").read_text()) if item]
    namespace = Namespace(name=pod["metadata"].get("namespace", "shop"), **rules.get("namespace") or {})
    return Case(folder, rules, pod, policy, Catalog({item.reference: item for item in stored}), namespace)


def template_of(configmap: Object, policy: Policy) -> Template | BrokenTemplate:
    try:
        return templates.parse(configmap, policy)
    except TemplateError as error:
        return templates.broken(configmap, str(error), policy)


def call(case: Case, pod: Object) -> Reply:
    return calls.send(pod, case.namespace, case.catalog, case.policy)


@cache
def outcome(name: str) -> Reply:
    return call(load(name), load(name).pod)


def decisions(found: Reply, names: Iterable[str]) -> dict[str, str]:
    """What became of each template; of one that the verdict does not mention, why the whole pod was left alone."""
    verdict = found.verdict
    decided = {decision.template: str(decision.reason) for decision in verdict.decisions}
    is_pods = not verdict.decisions and verdict.reason is not Reason.NO_TEMPLATES
    return {name: decided.get(name, str(verdict.reason) if is_pods else "not-requested") for name in names}


def without_status(pod: Object) -> Object:
    """The pod less the record of the injection, and less the annotations if there are no others."""
    metadata = pod["metadata"]
    kept = {key: text for key, text in (metadata.get("annotations") or {}).items() if key != STATUS}
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**pod, "metadata": {**rest, "annotations": kept} if kept else rest}


def is_status_alone(operation: Object) -> bool:
    """Whether an operation of a patch writes the record of the injection and nothing else."""
    pointer = "/metadata/annotations"
    if operation["path"] == f"{pointer}/{STATUS.replace('/', '~1')}":
        return True
    return operation["path"] == pointer and set(operation["value"]) == {STATUS}


def patch_file(found: Reply) -> str:
    """The patch as it is kept; the revision of a template, a hash, says nothing to a reader."""
    text = orjson.dumps(found.patch, option=orjson.OPT_INDENT_2).decode() + "\n"
    return re.sub(r'(\\"revision\\":\\")[0-9a-f]{12}', r"\1…", text)


def report_file(found: Reply) -> str:
    """What people read: the verdict, what became of each template, the warnings, the denial."""
    verdict = found.verdict
    lines = [f"{'allowed' if verdict.allowed else 'denied'}: {verdict.reason}", *_decided(verdict.decisions)]
    lines += [f"warning: {line}" for line in found.warnings]
    lines += [f"denial: {line}" for line in found.denial.splitlines()]
    return "\n".join(lines) + "\n"


def _decided(decisions: Any) -> list[str]:
    return [f"template {decision.template}: {decision.reason}" for decision in decisions if decision.template]


def same(left: Any, right: Any) -> bool:
    """Equality that is strict about types."""
    return patches.is_same(left, right)
