"""
How much a template may ask for. Numbers only: what counts against them stands where it is counted.

No limit is a matter of time, so the same template on the same pod meets the same limit on any machine.
"""

from __future__ import annotations

SOURCE_BYTES = 65_536
"""Of one template text."""

SYNTAX_NODES = 2_000
"""Of one template text, as Jinja parses it."""

LOOP_DEPTH = 3
"""Loops inside each other."""

STEPS = 200_000
"""Of one template on one pod. A loop's turn costs by its body, a value by its items, a text by its length."""

TEXT = 65_536
"""Characters of one text that a template computes."""

INTEGER_BITS = 256
"""Of one number that a template computes; what it prints must fit into the 64 bits of Kubernetes."""

RANGE = 1_000
"""Numbers of one ``range``."""

MATCHED = 4_096
"""Characters of a text that meets a regular expression."""

PATTERN = 1_000
"""Characters of a regular expression, and of what replaces its matches."""

COMPARISONS = 1_000_000
"""Items, or characters, of one thing times those of another that they are searched in."""

INDENT = 64
"""Spaces."""

VALUE_ITEMS = 20_000
"""Of one value, and of all values printed: keys, values and list items, shared parts counted each time."""

VALUE_CHARACTERS = 262_144
"""In the texts of one value, and of all values printed."""

OUTPUT = 262_144
"""Characters of one rendered text, with values and without."""

VALUE_DEPTH = 32
"""Mappings and lists inside each other, in YAML as in printed values."""

EVENTS = 20_000
"""Scalars and ends of mappings and lists in one YAML text."""
