"""Objects of a label image: their measures as a table, and filters over it."""

from anystar.objects import filters
from anystar.objects.filter_options import FilterOptions
from anystar.objects.labels import as_labels
from anystar.objects.measure import measure, tabulate
from anystar.objects.objects import LocatedObjects, Objects, locate_objects
from anystar.objects.table import Column, Table, columns

__all__ = [
    "Column",
    "FilterOptions",
    "LocatedObjects",
    "Objects",
    "Table",
    "as_labels",
    "columns",
    "filters",
    "locate_objects",
    "measure",
    "tabulate",
]
