"""`python -m devflow` is the `devflow` command."""

from devflow.server.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
