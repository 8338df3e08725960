"""What the chart's page has newcomers type."""

from __future__ import annotations

from tests.docs import sessions

PAGE = "helm/pillion/README.md"
COMMANDS = tuple(step.command for step in sessions.all_steps(PAGE))
[INSTALLATION] = (command for command in COMMANDS if command.startswith("helm install "))
"""By which the release under test is installed."""
BUILDING = tuple(command for command in COMMANDS if command.startswith("docker "))
"""What whoever made the cluster has done already: the image is built from the Dockerfile, and the nodes have it."""
AFTERWARDS = tuple(command for command in COMMANDS if command not in {INSTALLATION, *BUILDING})
