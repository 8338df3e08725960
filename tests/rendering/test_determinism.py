"""The same template on the same pod gives the same bytes, in any thread and in any process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from injector.core.errors import PillionError
from tests.rendering.templating import PARAMETERS, become, cases

ROOT = Path(__file__).parents[2]
THREADS = 4


def everything():
    """What all cases become, with full messages of those that fail."""
    return json.dumps([outcome(case) for _, _, case in cases()])


def outcome(case):
    try:
        return become(
            case["template"], key=case.get("key", "pod"), delimiters=tuple(case.get("delimiters", "{{ }}").split())
        )
    except PillionError as error:
        return error.with_caret()


def test_threads_that_render_at_once_do_not_mix():
    alone = everything()
    start = Barrier(THREADS)

    def together():
        start.wait()
        return everything()

    with ThreadPoolExecutor(THREADS) as pool:
        results = [future.result() for future in [pool.submit(together) for _ in range(THREADS)]]

    assert [alone] * THREADS == results


def test_threads_that_render_one_template_with_other_values_do_not_mix():
    template = "{% set x %}{{ params.tag }}{% endset %}\na: {{ params.tag }}\nb: {{ x | upper }}\nc: {{ params.lst }}\n"
    start = Barrier(THREADS)

    def render(number):
        start.wait()
        value = f"v{number}"
        for _ in range(50):
            expected = {"a": value, "b": value.upper(), "c": [value]}
            if become(template, params={**PARAMETERS, "tag": value, "lst": [value]}) != expected:
                return value
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        assert [None] * THREADS == list(pool.map(render, range(THREADS)))


def test_processes_with_other_hashes_give_the_same_bytes():
    script = "from tests.rendering.test_determinism import everything; print(everything())"

    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout.strip()
        for seed in ("0", "1", "4711")
    }

    assert {everything()} == outputs
