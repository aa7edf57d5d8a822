"""``python -m fieldline`` is the ``fieldline`` command."""

from fieldline.cli.main import run

if __name__ == "__main__":
    run()
