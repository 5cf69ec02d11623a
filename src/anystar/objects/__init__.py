"""Objects of a label image: the table of their measures, and filters over it."""

from anystar.objects import filters
from anystar.objects.table import Table

__all__ = ["Table", "filters"]
