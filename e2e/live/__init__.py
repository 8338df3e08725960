"""Pillion on a cluster with nodes: installed by helm, called by the API server, its sidecars running."""
