"""Entry point of the ``stockade`` command."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        from stockade.cli.main import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules are loaded, or while an error is shown
        return 130


if __name__ == "__main__":
    # `python -m` puts the working folder first on the path, where a file could stand in for a library.
    if not sys.flags.safe_path:
        del sys.path[0]
    sys.exit(main())
