"""Names of length units in files to micrometres."""

from __future__ import annotations

__all__ = ["micrometres_per"]

_MICROMETRES = {
    "pm": 1e-6,
    "å": 1e-4,
    "a": 1e-4,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometre": 1e-3,
    "um": 1.0,
    "micron": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "millimetre": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "centimetre": 1e4,
    "m": 1e6,
    "meter": 1e6,
    "metre": 1e6,
    "in": 25_400.0,
    "inch": 25_400.0,
}


def micrometres_per(unit: str) -> float | None:
    """Return how many micrometres one ``unit`` is, or ``None`` if it is not a length (``"pixel"``, say).

    Both signs for micro are known, and ImageJ's way of escaping them.

    Examples
    --------
    >>> micrometres_per("mm"), micrometres_per("µm"), micrometres_per("microns"), micrometres_per("pixel")
    (1000.0, 1.0, 1.0, None)
    """
    name = unit.strip().replace("\\u00B5", "u").replace("\\u03BC", "u")
    name = name.replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u").lower()
    if name in _MICROMETRES:
        return _MICROMETRES[name]
    for plural, singular in (("inches", "inch"), (name, name.removesuffix("s"))):
        if name == plural and len(singular) > 2 and singular in _MICROMETRES:
            return _MICROMETRES[singular]
    return None
