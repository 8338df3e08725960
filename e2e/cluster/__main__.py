"""
The command line: ``python -m e2e.cluster VERB [--provider auto|host|kind]``. Data on stdout, reports on stderr.

::

    up               make a cluster: Kubernetes 1.36, or the minor version in $KUBERNETES_VERSION
    image            build Pillion's image and print the archive's path
    load FILE        give the cluster an image from such an archive
    kubeconfig       print the path of the admin's kubeconfig
    programs         print the folders of kubectl and helm, as the front of a PATH
    restart NAME     kill a component of the control plane, such as apiserver, and start it again
    logs             print the end of all logs
    down             remove the cluster and all that came with it
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from e2e.cluster import commands, providers
from e2e.cluster.failures import Failure
from e2e.cluster.providers import Provider
from e2e.cluster.settings import Settings

VERBS = ("up", "image", "load", "kubeconfig", "programs", "restart", "logs", "down")


def main() -> int:
    """Do what is asked; 0 when it is done, 2 with one sentence when it is not."""
    arguments = _parser().parse_args()
    started = time.monotonic()
    try:
        provider = providers.make(arguments.provider, Settings.from_environment(os.environ))
        _do(provider, arguments.verb, arguments.object)
    except Failure as failure:
        commands.tell(str(failure))
        return 2
    commands.tell(f"{arguments.verb}: done in {time.monotonic() - started:.0f} s")
    return 0


def _do(provider: Provider, verb: str, thing: str | None) -> None:
    match verb:
        case "up":
            provider.up()
            print(f"export KUBECONFIG={provider.kubeconfig()}")
        case "image":
            archive = provider.build()
            print(archive)
            commands.tell(f"the image is {archive.stat().st_size / 2**20:.0f} MiB unpacked")
        case "load":
            provider.load(Path(_given(thing, "load FILE")))
        case "kubeconfig":
            print(provider.kubeconfig())
        case "programs":
            print(os.pathsep.join(map(str, provider.programs())))
        case "restart":
            provider.restart(_given(thing, "restart NAME"))
        case "logs":
            print(*provider.logs(), sep="\n")
        case "down":
            provider.down()


def _given(thing: str | None, usage: str) -> str:
    if thing is None:
        raise Failure(f"Something is missing: python -m e2e.cluster {usage}.")
    return thing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=VERBS, metavar="VERB")
    parser.add_argument("object", nargs="?", metavar="FILE|NAME")
    parser.add_argument("--provider", choices=("auto", *providers.PROVIDERS), default="auto")
    return parser


if __name__ == "__main__":
    sys.exit(main())
