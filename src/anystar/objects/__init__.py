"""Objects of a label image: the table of their measures, and filters over it."""
