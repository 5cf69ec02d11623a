"""Volumes whose scale is ambiguous: specimens full of objects, organs, large cells, two populations."""
