"""``python -m ridgewalk`` runs the command line."""

from ridgewalk.cli import main

if __name__ == "__main__":
    main()
