"""`python -m sabot` is the command `sabot`."""

from sabot.cli import main

if __name__ == "__main__":
    main()
