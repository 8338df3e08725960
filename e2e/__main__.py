"""
The tests on a real cluster, from nothing to nothing: ``python -m e2e [--provider NAME] [--keep] [PYTEST ARGUMENT...]``.

What is needed is installed and built, the chart tried on an API server alone, a cluster made, the image loaded, the
tests run, and the cluster removed, also after a failure. Each phase is told with its time, and the tests' own summary
comes last. A cluster that an earlier run has left, however it ended, is removed first. ``--keep`` takes over such a
cluster and leaves it for the next run; ``python -m e2e.cluster down`` removes it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.cluster import commands, providers
from e2e.cluster.failures import Failure
from e2e.cluster.providers import Provider
from e2e.cluster.settings import REPOSITORY, Settings

TESTS = REPOSITORY / "e2e" / "live"
CHART_TESTS = REPOSITORY / "e2e" / "chart"
"""Tests that need an API server and no node: they come first, because they fail in a tenth of the time."""
API_SERVER = REPOSITORY / "scripts" / "api_server.sh"


def main() -> int:
    """Run all phases; the exit code is pytest's, or 2 with one sentence where there is no cluster to test on."""
    options, rest = _parser().parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    try:
        settings = Settings.from_environment(os.environ)
        code, summary = _run(providers.make(options.provider, settings), settings, rest, keeps=options.keep)
    except Failure as failure:
        commands.tell(str(failure))
        return 2
    print(f"== all: {time.monotonic() - started:.0f} s", summary, sep="\n", flush=True)
    return code


def _run(provider: Provider, settings: Settings, arguments: list[str], *, keeps: bool) -> tuple[int, str]:
    with _phase("build"):
        provider.prepare()
        archive = provider.build()
    code, summary = _test_chart(provider, arguments)
    if code:
        return code, summary
    try:
        with _phase("cluster"):
            if not keeps:
                provider.down()
            provider.up()
            provider.load(archive)
        with _phase("tests"):
            return _test(provider, settings, arguments)
    finally:
        if not keeps:
            with _phase("removal"):
                provider.down()


def _test_chart(provider: Provider, arguments: list[str]) -> tuple[int, str]:
    """Run what needs no node beside a throw-away API server, where the provider has one for this host."""
    binaries = next((folder for folder in provider.programs() if (folder / "kube-apiserver").exists()), None)
    if binaries is None or _names_tests(arguments):
        return 0, ""
    environment = {**_environment(provider), "KUBE_BIN": str(binaries)}
    with _phase("chart"):
        return _show(_pytest(arguments, CHART_TESTS, str(API_SERVER)), environment)


def _test(provider: Provider, settings: Settings, arguments: list[str]) -> tuple[int, str]:
    """Run pytest; answer its exit code and its last line."""
    environment = {**_environment(provider), "KUBECONFIG": str(provider.kubeconfig())}
    code, summary = _show(_pytest(arguments, TESTS), environment)
    if code:
        log = settings.cache / "e2e.log"
        log.write_text("\n".join(provider.logs()))
        commands.tell(f"the ends of the cluster's logs are in {log}")
    return code, summary


def _pytest(arguments: list[str], tests: Path, *before: str) -> list[str]:
    chosen = arguments if _names_tests(arguments) else [*arguments, str(tests)]
    return [*before, sys.executable, "-u", "-m", "pytest", "-v", *chosen]


def _names_tests(arguments: list[str]) -> bool:
    return any(Path(each.split("::")[0]).exists() for each in arguments)


def _environment(provider: Provider) -> dict[str, str]:
    path = os.pathsep.join([*map(str, provider.programs()), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "NO_PROXY": "*"}


def _show(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run a command in the repository and let its output through; answer its exit code and its last line."""
    last = ""
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            for last in process.stdout or ():
                print(last, end="", flush=True)
        except BaseException:
            process.kill()  # whoever is told to stop has its cluster removed, with all that is in it
            raise
    return process.returncode, last.rstrip()


@contextmanager
def _phase(name: str) -> Iterator[None]:
    started = time.monotonic()
    print(f"== {name}", flush=True)
    try:
        yield
    finally:
        print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m e2e", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--provider", choices=("auto", *providers.PROVIDERS), default="auto")
    parser.add_argument("--keep", action="store_true", help="leave the cluster as it is at the end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
