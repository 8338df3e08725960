"""
Decisions: from the bytes of a review to the bytes of an answer.

No I/O, clock, environment, threads or logging may be inside; import-linter checks it.
Values go in, values come out, and no argument is ever changed.
"""
