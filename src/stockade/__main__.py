"""Entry point of the ``stockade`` command."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    from stockade.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
