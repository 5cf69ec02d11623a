"""The one error of this package."""

__all__ = ["FileError"]


class FileError(ValueError):
    """A file that cannot be used. The message says which, why and what to do: ``<what>; <what to do>``.

    Inside the package the message leaves the file's name out; :func:`anystar.io.read` puts it in front.
    """
