"""Tests on a real cluster, and the clusters to run them on."""
