"""From an image in memory to instances."""

import lazy_loader

# Loaded on first use: who wants the options alone must not wait for torch.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "model": ["Model"],
        "options": ["PredictionOptions"],
        "registry": ["list_models", "load_model"],
        "result": ["Result"],
    },
)
