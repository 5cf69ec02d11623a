"""Names of length units in files to micrometres."""

from __future__ import annotations

__all__ = ["micrometres_per"]

_METRE = 1e6
_PREFIXES = {
    "Y": ("yotta", 24),
    "Z": ("zetta", 21),
    "E": ("exa", 18),
    "P": ("peta", 15),
    "T": ("tera", 12),
    "G": ("giga", 9),
    "M": ("mega", 6),
    "k": ("kilo", 3),
    "h": ("hecto", 2),
    "da": ("deca", 1),
    "d": ("deci", -1),
    "c": ("centi", -2),
    "m": ("milli", -3),
    "u": ("micro", -6),
    "n": ("nano", -9),
    "p": ("pico", -12),
    "f": ("femto", -15),
    "a": ("atto", -18),
    "z": ("zepto", -21),
    "y": ("yocto", -24),
}
_INCH = 25_400.0
_OTHER_NAMES = {
    "micron": 1.0,
    "Å å A a angstrom ångström": 1e-4,
    "thou mil": _INCH / 1000,
    "li line": _INCH / 12,
    "pt point": _INCH / 72,
    'in inch "': _INCH,
    "ft foot feet": 12 * _INCH,
    "yd yard": 36 * _INCH,
    "mi mile": 63_360 * _INCH,
    "ua": 149_597_870_700 * _METRE,
    "ly": 9_460_730_472_580_800 * _METRE,
    "pc parsec": 3.085_677_581_491_367e16 * _METRE,
}
_OTHERS = {name: value for names, value in _OTHER_NAMES.items() for name in names.split()}
# Mm and mm, Pm and pm are different units, so symbols are compared as they are written first.
_SYMBOLS = {"m": _METRE} | {f"{p}m": 10.0**e * _METRE for p, (_, e) in _PREFIXES.items()} | _OTHERS
_WORDS = {
    f"{prefix}{metre}": 10.0**exponent * _METRE
    for prefix, exponent in [("", 0), *_PREFIXES.values()]
    for metre in ("meter", "metre")
}
_FOLDED = {name.lower(): value for name, value in reversed(_SYMBOLS.items())} | _WORDS
_FOLDED |= {p: 10.0**e * _METRE for p, e in (("mm", -3), ("um", -6), ("nm", -9), ("pm", -12))}


def micrometres_per(unit: str) -> float | None:
    """Return how many micrometres one ``unit`` is, or ``None`` if it is not a length (such as ``"pixel"``).

    All lengths of OME (``Mm`` and ``mm`` are distinguished), the words of NGFF in singular and plural,
    both signs for micro, and ImageJ's way of escaping them.

    Examples
    --------
    >>> micrometres_per("mm"), micrometres_per("µm"), micrometres_per("microns"), micrometres_per("pixel")
    (1000.0, 1.0, 1.0, None)
    """
    name = unit.strip().replace("\\u00B5", "u").replace("\\u03BC", "u").replace("\\u00C5", "Å")
    name = name.replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u")
    name = name.replace("\N{ANGSTROM SIGN}", "Å")
    for known, spelt in ((_SYMBOLS, name), (_FOLDED, name.lower())):
        if spelt in known:
            return known[spelt]
    word = name.lower()
    singular = word.removesuffix("es") if word == "inches" else word.removesuffix("s")
    return _FOLDED.get(singular) if len(singular) > 2 and singular != word else None
