"""Try faulty inputs of every kind and print what came of them: ``python -m benchmarks.faults``.

Each worker process tries many inputs of one kind within limits of memory and time. The last four columns must
be zero: an exception that is not ours, a dead process, no end, a result that the input does not hold.
"""

from __future__ import annotations

import argparse
import json
import math
import selectors
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.faults.outcome import OUTCOMES
from benchmarks.faults.worker import KINDS

_SILENT = 1000
"""Seconds without a line after which a worker hangs in code that no signal interrupts."""


def main() -> None:
    """Run the campaign; exit with 1 unless the last four columns are zero."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--num", type=int, default=2400, help="number of inputs (default 2400)")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs (default 0)")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), help="these kinds only")
    parser.add_argument("--json", type=Path, help="write each case here")
    options = parser.parse_args()
    began, shares = time.monotonic(), {kind: share for kind, (_, share) in KINDS.items()}
    total, cases = sum(shares.values()), []
    print(f"{'kind':<18}{'tried':>7}" + "".join(f"{name:>11}" for name in OUTCOMES), flush=True)
    sums: Counter[str] = Counter()
    for kind in options.only or KINDS:
        number = math.ceil(options.num * shares[kind] / total)
        found = _of_kind(kind, options.seed, number)
        counts = Counter(case["outcome"] for case in found)
        print(f"{kind:<18}{number:>7}" + "".join(f"{counts[name]:>11}" for name in OUTCOMES), flush=True)
        sums += counts
        cases += [{"kind": kind, **case} for case in found]
    print(f"{'all':<18}{len(cases):>7}" + "".join(f"{sums[name]:>11}" for name in OUTCOMES))
    print(f"seed {options.seed}, {time.monotonic() - began:.0f} s")
    bad = [case for case in cases if case["outcome"] in OUTCOMES[2:]]
    for case in bad[:40]:
        print(f"\n{case['outcome']}: {case['kind']} {case['case']}\n{case['detail']}")
    if options.json:
        options.json.write_text(json.dumps(cases, indent=1))
    sys.exit(1 if bad else 0)


def _of_kind(kind: str, seed: int, number: int) -> list[dict[str, Any]]:
    """Try all cases of a kind; a worker that dies or hangs is replaced."""
    cases: list[dict[str, Any]] = []
    while len(cases) < number:
        first = len(cases)
        words = [sys.executable, "-m", "benchmarks.faults.worker", kind, str(seed), str(first), str(number)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            hangs = _follow(process, cases)
            errors = process.stderr.read()[-1500:] if process.stderr else ""
        if len(cases) < number:
            outcome = "hang" if hangs else "crash"
            cases.append({"case": len(cases), "outcome": outcome, "detail": f"{process.returncode} {errors}"})
    return cases


def _follow(process: subprocess.Popen[str], cases: list[dict[str, Any]]) -> bool:
    """Collect what a worker prints; kill it and return True if it prints nothing for long."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(_SILENT):
            line = process.stdout.readline()
            if not line:
                return False
            if "case" in (entry := json.loads(line)):
                cases.append(entry)
    process.kill()
    return True


if __name__ == "__main__":
    main()
