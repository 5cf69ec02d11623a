"""From an array in memory to instances."""

from anystar.predict.model import Model, list_models, load_model
from anystar.predict.result import Result

__all__ = ["Model", "Result", "list_models", "load_model"]
