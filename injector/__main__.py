"""The door of the command line: ``pillion``, ``kubectl pillion`` and ``python -m injector`` all enter here."""

from __future__ import annotations

from injector.cli.main import main

if __name__ == "__main__":
    main()
