"""``pillion demo``: a real server, real AdmissionReviews, no cluster. The scenes stand here in their order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from injector.cli import colours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from injector.cli.callers import Caller, Reply
    from injector.core.model import Object

WIDTH = 100
"""Columns; longer lines of a diff are cut."""
CALLS = 200
"""How many calls the latency is taken from."""

MANIFESTS = Path(__file__).with_suffix(".yaml")
"""What is sent: a namespace, a pod to inject, a pod to refuse and a broken template."""


@click.command(name="demo")
@colours.option
def command() -> int:
    """
    Watch a real server inject a real pod.

    Starts `pillion serve` with a certificate made on the spot, sends it AdmissionReviews over HTTPS as an API server
    does, and shows what comes back. Listens on loopback only, writes to a temporary folder only, takes a few seconds.

    \b
    Examples:
      pillion demo
      pillion demo --color=always | less -R
    """
    from injector.cli import callers, inputs, throwaways
    from injector.shell import texts

    namespace, web, reports, broken = (document.object for document in inputs.read_documents([str(MANIFESTS)]))
    templates = inputs.shipped_templates()
    click.echo(f"\n{colours.strong('Pillion puts passengers on pods.')} A real server, real reviews, no cluster.")
    with (
        throwaways.serving(templates, texts.dump([namespace])) as server,
        callers.calling(server.port, server.certificate) as caller,
    ):
        _show_server(server.port, server.seconds, templates)
        injected = _show_injection(caller, _pod(web))
        _show_again(caller, injected)
        _show_refusal(caller, _pod(reports))
        _show_broken(caller, broken)
        _show_latency(caller, _pod(web))
    _show_next()
    return 0


def _show_server(port: int, seconds: float, templates: Path) -> None:
    _scene(1, "The server", "its own process, TLS with a certificate made a moment ago")
    _show_command(f"pillion serve --port {port} --templates {_relative(templates)}")
    _show_good(f"ready after {seconds:.1f} s on https://localhost:{port}")


def _show_injection(caller: Caller, pod: Object) -> Object:
    import jsonpatch

    _scene(2, "A pod of deployment/web", "in a namespace that opts in; it asks for log-shipper by name")
    reply = _mutate(caller, pod)
    injected: Object = jsonpatch.apply_patch(pod, reply.patch)
    _show_call("/mutate", reply)
    click.echo()
    _show_difference(pod, injected)
    click.echo()
    for decision in _decisions(reply):
        click.echo(f"   {decision}")
    return injected


def _show_again(caller: Caller, injected: Object) -> None:
    _scene(3, "The same pod again", "API servers call more than once; a second sidecar would be a disaster")
    reply = _mutate(caller, injected)
    _show_call("/mutate", reply)
    if reply.patch:
        _show_bad(f"{len(reply.patch)} operations, where there should be none")
    else:
        _show_good("no patch: the pod carries everything already")


def _show_refusal(caller: Caller, pod: Object) -> None:
    _scene(4, "A pod that contradicts its namespace", "deployment/reports wants nodes with tier=batch")
    _show_verdict("/mutate", _mutate(caller, pod))


def _show_broken(caller: Caller, configmap: Object) -> None:
    from injector.cli import callers

    _scene(5, "A template with a mistake", "refused at `kubectl apply`, before any pod sees it")
    _show_verdict("/validate", caller.call("/validate", callers.review_of(configmap, "configmaps")))


def _show_latency(caller: Caller, pod: Object) -> None:
    _scene(6, f"{CALLS} pods, one after the other", "every one different, the patch of each proven before it leaves")
    times = sorted(_mutate(caller, _renamed(pod, number)).seconds for number in range(CALLS))
    median, worst = (times[int(CALLS * share)] * 1000 for share in (0.5, 0.99))
    _show_good(f"p50 {median:.1f} ms   p99 {worst:.1f} ms   HTTPS round trip on loopback, one connection")


def _show_next() -> None:
    _scene(7, "Your turn")
    program = _program()
    steps = {
        f"{program} templates new my-sidecar": "start a template of your own",
        f"{program} lint my-sidecar.yaml": "break it, and see where",
        f"{program} explain -f {_relative(MANIFESTS)}": "the same pods, on files",
    }
    for step, purpose in steps.items():
        _show_command(f"{step:<{WIDTH // 2}}", purpose)
    click.echo()


def _pod(deployment: Object) -> Object:
    """Return the first pod of a Deployment as the API server would send it."""
    from injector.cli import callers
    from injector.core import workloads

    kind = workloads.KINDS["apps", "Deployment"]
    return callers.deliver(workloads.pod_of(deployment, kind, workloads.namespace_of(deployment)))


def _renamed(pod: Object, number: int) -> Object:
    metadata = pod["metadata"]
    labels = {**metadata["labels"], "pod-template-hash": f"{number:010x}"}
    return {**pod, "metadata": {**metadata, "generateName": f"web-{number:010x}-", "labels": labels}}


def _mutate(caller: Caller, pod: Object) -> Reply:
    from injector.cli import callers

    return caller.call("/mutate", callers.review_of(pod, "pods"))


def _decisions(reply: Reply) -> Iterable[str]:
    """Yield what the answer's audit annotations say of each template."""
    for entry in reply.response.get("auditAnnotations", {}).get("templates", "").split(","):
        name, _, reason = entry.partition("=")
        sign = colours.good("✓") if reason == "injected" else colours.faint("·")
        yield f"{sign} {name:<24} {colours.faint(reason)}"


def _show_difference(before: Object, after: Object) -> None:
    from injector.cli import layouts, reports

    title = f"pod {before['metadata']['generateName']}…"
    width = WIDTH - 4
    for line in reports.unified(layouts.lay_out(before, width), layouts.lay_out(after, width), title, context=1):
        click.echo(f"   {line}")


def _show_verdict(path: str, reply: Reply) -> None:
    _show_call(path, reply)
    if reply.response["allowed"]:
        _show_good("allowed")
        return
    status = reply.response["status"]
    first, *rest = status["message"].splitlines()
    _show_bad(_wrapped(f"{status['code']} {status['reason']}: {first}"))
    for line in rest:
        click.echo(f"     {line}")


def _show_call(path: str, reply: Reply) -> None:
    size = f"{reply.sent / 1000:.1f} kB of AdmissionReview, {reply.seconds * 1000:.1f} ms"
    _show_command(f"POST {path}?timeout=10s", size)


def _scene(number: int, title: str, aside: str = "") -> None:
    click.echo(f"\n{colours.strong(f'{number}  {title}')}{colours.faint(aside and f'  {aside}')}")


def _show_command(text: str, aside: str = "") -> None:
    click.echo(f"   {colours.command(text)}{colours.faint(aside and f'   {aside}')}")


def _show_good(text: str) -> None:
    click.echo(f"   {colours.good('✓')} {text}")


def _show_bad(text: str) -> None:
    click.echo(f"   {colours.bad('✗')} {text}")


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, WIDTH, initial_indent=" " * 5, subsequent_indent=" " * 5).strip()


def _relative(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _program() -> str:
    """Return how the program can be called from here."""
    import shutil
    import sys

    if shutil.which("pillion"):
        return "pillion"
    script = Path(sys.executable).with_name("pillion")
    return str(_relative(script)) if script.exists() else f"{Path(sys.executable).name} -m injector"
