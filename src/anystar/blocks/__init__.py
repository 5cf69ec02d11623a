"""Volumes larger than memory, block by block, on one machine or many: the same result as at once."""

import lazy_loader

# Loaded on first use: what is segmented at once must not wait for zarr.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "options": ["BlockOptions", "Selection"],
        "outcome": ["Outcome"],
        "run": ["segment_blocks"],
    },
)
