"""``python -m laudo`` is the command ``laudo``."""

from laudo.cli.main import main

if __name__ == "__main__":
    main()
