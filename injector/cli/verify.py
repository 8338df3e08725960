"""``pillion verify``: is a pod of this cluster really injected? Asked by creating one, by dry run."""

from __future__ import annotations

import click


@click.command("verify")
@click.option("-n", "--namespace", default="default", show_default=True, metavar="NAME", help="Namespace of the pod.")
@click.option("--template", required=True, metavar="NAME", help="Template that the pod asks for.")
@click.option("--container", metavar="NAME", help="Container that it adds; default the template's name.")
@click.option("--domain", default="pillion.dev", show_default=True, metavar="NAME", help="Domain of the labels.")
@click.option(
    "--wait",
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    type=click.FloatRange(0, 600),
    help="How long to try again: a new template or namespace is known everywhere after a moment.",
)
@click.option("--kubeconfig", metavar="FILE", type=click.Path(), help="Default: yours, or that of the pod.")
def command(
    namespace: str, template: str, container: str | None, domain: str, wait: float, kubeconfig: str | None
) -> None:
    """
    Create a pod by dry run and see that it is injected.

    Nothing is stored: the API server calls all webhooks and shows what would have been. It needs the right to create
    pods in the namespace, and no other.

    \b
    Examples:
      pillion verify -n shop --template log-shipper
      pillion verify -n shop --template log-shipper --wait 30
    """
    from injector.core.model import Domain
    from injector.shell import rehearsals
    from injector.shell.clusters import Cluster

    rehearsal = rehearsals.Rehearsal(
        namespace=namespace, template=template, container=container or template, domain=Domain(name=domain)
    )
    pod = rehearsals.rehearse(Cluster(kubeconfig), rehearsal, wait)
    click.echo(f"injected: {pod['metadata'].get('annotations', {}).get(rehearsal.domain.status, '')}")
