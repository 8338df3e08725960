"""Pillion puts passengers on pods: a sidecar-injection webhook for Kubernetes and a command line on the same engine."""
