"""What is done to the intensities of an image before the network sees it."""

from anystar.preprocess.settings import PreparedImage, Preprocessing

__all__ = ["PreparedImage", "Preprocessing"]
