"""What can come of one faulty input."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from anystar.errors import AnyStarError

__all__ = ["OUTCOMES", "judged"]

OUTCOMES = ("right", "refused", "traceback", "crash", "hang", "wrong")
"""As expected, or with a note of what is odd; one line with an error of ours; another exception; the process
died; it did not end; a result that the input does not hold, silently."""
_LONGEST = 1500


def judged(work: Callable[[], bool]) -> tuple[str, str]:
    """Return the outcome of ``work``, which returns whether its result is right, and what there is to say."""
    try:
        return ("right", "") if work() else ("wrong", "")
    except (AnyStarError, FileNotFoundError, PermissionError, MemoryError) as error:
        text = str(error)
        if "\n" in text or len(text) > _LONGEST:
            return "traceback", f"a message of {len(text)} characters: {text[:200]!r}"
        return "refused", text[:300]
    except Exception:
        return "traceback", traceback.format_exc()[-1500:]
