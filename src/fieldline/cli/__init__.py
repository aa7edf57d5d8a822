"""The ``fieldline`` command: one file per sub-command; each parses arguments and calls the app."""
