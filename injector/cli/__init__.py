"""The command line: one file per command. Data goes to stdout, reports to stderr."""
