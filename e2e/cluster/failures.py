"""
What can go wrong with a cluster: one sentence each, which says what to do.

::

    Failure             something did not work; the sentence names it
    └── Missing         this host cannot do it at all, until somebody installs or allows something
"""

from __future__ import annotations


class Failure(Exception):
    """Something did not work: the message is one sentence for the person at the terminal."""


class Missing(Failure):
    """Something that the provider needs is not on this host: the message names it and how to get it."""
