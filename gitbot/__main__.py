"""`python -m gitbot` is the same program as `gitbot`."""

from gitbot.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
