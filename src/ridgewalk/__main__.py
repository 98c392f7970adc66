"""``python -m ridgewalk`` is the command."""

from ridgewalk.cli import main

if __name__ == "__main__":
    main()
