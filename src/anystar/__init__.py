"""AnyStar: zero-shot 3D instance segmentation of star-convex objects in any modality."""

from anystar._version import __version__

__all__ = ["__version__"]
