"""From an array in memory to instances."""

from anystar.predict.model import Model, list_models, load_model
from anystar.predict.result import Objects, Result

__all__ = ["Model", "Objects", "Result", "list_models", "load_model"]
