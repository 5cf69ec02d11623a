"""The search for the scale at which an image shows its objects most clearly."""

from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.search import SearchResult, search_scale

__all__ = ["SearchConfig", "SearchResult", "search_scale"]
