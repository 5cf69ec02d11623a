"""Which objects are relevant: predicates over the table of objects.

A predicate takes a :class:`anystar.objects.Table` of N rows and returns a bool array ``(N,)``: the objects to
keep. A value that is unknown (NaN) never excludes an object.

Examples
--------
>>> from anystar.objects.table import Table
>>> table = Table(columns={
...     "label": np.array([1, 2, 3]),
...     "volume_vox": np.array([900, 40, 700]),
...     "sphericity": np.array([0.9, 0.8, 0.3]),
... })
>>> relevant(table, [volume(low=50), where("sphericity > 0.5")])
array([ True, False, False])
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from anystar.config import ConfigError
from anystar.objects.table import Table

__all__ = [
    "Predicate",
    "bright",
    "columns_of",
    "contrast",
    "dark",
    "drop",
    "inside_mask",
    "keep_labels",
    "off_border",
    "probability",
    "relevant",
    "sphericity",
    "volume",
    "where",
]

Predicate = Callable[[Table], np.ndarray]

_COMPARE = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def relevant(table: Table, predicates: Iterable[Predicate]) -> np.ndarray:
    """Return which objects all predicates keep, bool ``(N,)``."""
    keep = np.ones(len(table), bool)
    for predicate in predicates:
        keep &= predicate(table)
    return keep


def keep_labels(labels: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the label image with only the labels in ``kept``, which keep their numbers.

    Examples
    --------
    >>> keep_labels(np.array([0, 1, 2, 2, 3]), np.array([1, 3]))
    array([0, 1, 0, 0, 3])
    """
    top = int(labels.max(initial=0))
    table = np.zeros(top + 1, labels.dtype)
    kept = np.asarray(kept)
    kept = kept[kept <= top]
    table[kept] = kept
    return table[labels]


def volume(low: float = 0.0, high: float = math.inf) -> Predicate:
    """Keep objects of ``low`` to ``high`` cubic micrometres, or voxels if the voxel size is not known."""

    def predicate(table: Table) -> np.ndarray:
        name = "volume_um3" if table.known("volume_um3") else "volume_vox"
        return _between(table[name], low, high)

    return predicate


def sphericity(low: float) -> Predicate:
    """Keep objects of at least this sphericity, 1 for a ball."""
    return lambda table: _between(table["sphericity"], low, math.inf)


def probability(low: float) -> Predicate:
    """Keep objects that the model is at least this sure of."""
    return lambda table: _between(table["probability"], low, math.inf)


def bright() -> Predicate:
    """Keep objects that are brighter than what surrounds them."""
    return lambda table: _between(table["contrast"], np.nextafter(0, 1), math.inf)


def dark() -> Predicate:
    """Keep objects that are darker than what surrounds them."""
    return lambda table: _between(table["contrast"], -math.inf, -np.nextafter(0, 1))


def contrast(low: float) -> Predicate:
    """Keep objects that differ from what surrounds them by ``low`` standard deviations or more."""
    return lambda table: _between(np.abs(table["contrast"]), low, math.inf)


def off_border() -> Predicate:
    """Keep objects that do not touch the border of the image."""
    return lambda table: ~table["touches_border"].astype(bool)


def inside_mask(low: float = 0.5) -> Predicate:
    """Keep objects of which at least this fraction lies inside the mask."""
    return lambda table: _between(table["mask_overlap"], low, math.inf)


def _between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return ((values >= low) & (values <= high)) | _unknown(values)


def _unknown(values: Any) -> np.ndarray:
    values = np.asarray(values)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)


def where(condition: str) -> Predicate:
    """Keep objects that meet a condition over the columns of the table.

    Parameters
    ----------
    condition : str
        Columns, numbers, ``+ - * / **``, ``abs(...)``, comparisons, ``and``, ``or``, ``not`` and brackets:
        ``"volume_um3 > 50 and abs(contrast) > 1"``. A comparison with what is not known is true.

    Raises
    ------
    ConfigError
        If it is not such a condition, here; if a column is missing, when it is applied.
    """
    tree = _parsed(condition)
    return lambda table: _boolean(tree, table, unknown=True)


def columns_of(condition: str) -> set[str]:
    """Return the columns that a condition, see :func:`where`, speaks of.

    >>> sorted(columns_of("volume_um3 > 50 and abs(contrast) > 1"))
    ['contrast', 'volume_um3']
    """
    names = {node.id for node in ast.walk(_parsed(condition)) if isinstance(node, ast.Name)}
    return names - {"abs"}


def drop(condition: str) -> Predicate:
    """Keep objects that do not meet a condition, see :func:`where`."""
    tree = ast.UnaryOp(ast.Not(), _parsed(condition))  # not by its text: "a) or (b" is no condition
    return lambda table: _boolean(tree, table, unknown=True)


_LONGEST, _DEEPEST, _LARGEST = 10_000, 100, 1e300
"""Characters, nested parts and numbers beyond which a condition is no condition of a person."""
_FORM = "write it like 'volume_um3 > 50 and sphericity > 0.6'"


def _parsed(condition: str) -> ast.expr:
    if len(condition) > _LONGEST:
        raise ConfigError(f"the condition has {len(condition)} characters, more than {_LONGEST}; shorten it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "invalid decimal literal" and others, before they are refused
            tree = ast.parse(condition.strip(), mode="eval").body
        _check(tree, condition, boolean=True)
    except SyntaxError as error:
        raise ConfigError(f"cannot read the condition '{condition}' ({error.msg}); {_FORM}") from None
    except (RecursionError, MemoryError):
        raise ConfigError(f"the condition '{condition:.40}...' is nested too deeply; shorten it") from None
    except ConfigError:
        raise
    except ValueError as error:  # a zero byte, a number of thousands of digits
        raise ConfigError(f"cannot read the condition '{condition:.40}...' ({error}); {_FORM}") from None
    return tree


def _check(node: ast.AST, condition: str, *, boolean: bool, depth: int = 0) -> None:
    """Refuse whatever is not a condition; ``boolean`` says whether a boolean or a number must stand here."""
    children: list[ast.AST] = []
    inner = False
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(node, ast.BoolOp):
        good, children, inner = boolean, list(node.values), True
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        good, children, inner = boolean, [node.operand], True
    elif isinstance(node, ast.Compare):
        good = boolean and all(type(op) in _COMPARE for op in node.ops)
        children = [node.left, *node.comparators]
    elif isinstance(node, ast.BinOp):
        good, children = not boolean and type(node.op) in _ARITHMETIC, [node.left, node.right]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        good, children = not boolean, [node.operand]
    elif isinstance(node, ast.Call):
        named = isinstance(node.func, ast.Name) and node.func.id == "abs"
        good, children = not boolean and named and len(node.args) == 1 and not node.keywords, list(node.args)
    elif isinstance(node, ast.Constant):
        good = not boolean and isinstance(node.value, int | float) and not isinstance(node.value, bool)
        if good and abs(node.value) > _LARGEST:  # type: ignore[arg-type]
            raise ConfigError(f"the condition '{condition:.40}...' has a number above 1e300; {_FORM}")
    else:
        good = isinstance(node, ast.Name)  # a column, of booleans such as touches_border even alone
    if not good:
        part = ast.unparse(node)
        raise ConfigError(f"cannot use '{part}' in the condition '{condition}'; {_FORM}")
    for child in children:
        _check(child, condition, boolean=inner, depth=depth + 1)


def _boolean(node: ast.AST, table: Table, unknown: bool) -> np.ndarray:
    """Return bool ``(N,)``; a comparison with what is not known is ``unknown``."""
    if isinstance(node, ast.BoolOp):
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return join.reduce([_boolean(value, table, unknown) for value in node.values])
    if isinstance(node, ast.UnaryOp):
        return ~_boolean(node.operand, table, not unknown)
    if isinstance(node, ast.Compare):
        values = [_number(value, table) for value in (node.left, *node.comparators)]
        boolean = np.ones(len(table), bool)
        for op, a, b in zip(node.ops, values[:-1], values[1:], strict=True):
            missing = _unknown(a) | _unknown(b)
            boolean = boolean & np.where(missing, unknown, _COMPARE[type(op)](a, b))
        return boolean
    assert isinstance(node, ast.Name), ast.dump(node)
    if table[node.id].dtype.kind != "b":
        raise ConfigError(
            f"'{node.id}' is a number, not a condition; compare it, for example '{node.id} > 0'"
        )
    return table[node.id]


def _number(node: ast.AST, table: Table) -> Any:
    """Return a number, or one an object."""
    if isinstance(node, ast.UnaryOp):
        value = _number(node.operand, table)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        with np.errstate(all="ignore"):
            return _ARITHMETIC[type(node.op)](_number(node.left, table), _number(node.right, table))
    if isinstance(node, ast.Call):
        return np.abs(_number(node.args[0], table))
    if isinstance(node, ast.Constant):
        return np.float64(node.value)  # type: ignore[arg-type]
    assert isinstance(node, ast.Name), ast.dump(node)
    return table[node.id].astype(np.float64)
