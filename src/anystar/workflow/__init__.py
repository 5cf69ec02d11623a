"""From files to files: what the command line does, for Python and for plugins."""

import lazy_loader

# Loaded on first use: measuring, filtering and reports must not wait for torch.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "file_result": ["FileResult", "Outputs"],
        "options": ["SegmentOptions"],
        "segment": ["segment_file"],
    },
)
