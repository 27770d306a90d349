"""``python -m costd``."""

from costd.cli.entry import main

if __name__ == "__main__":
    main()
