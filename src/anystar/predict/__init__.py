"""From an image in memory to instances."""

from anystar.predict.model import Model
from anystar.predict.options import PredictionOptions
from anystar.predict.registry import list_models, load_model
from anystar.predict.result import Result

__all__ = ["Model", "PredictionOptions", "Result", "list_models", "load_model"]
