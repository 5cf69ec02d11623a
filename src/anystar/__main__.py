"""``python -m anystar``, which is what ``torchrun -m anystar`` starts."""

from anystar.cli import main

if __name__ == "__main__":
    main()
