"""The campaign of faulty inputs: a few of each quick kind, with nothing in the last four columns."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_few_inputs_of_quick_kinds():
    kinds = ["NRRD, gzip", "conditions", "tables"]
    words = [sys.executable, "-m", "benchmarks.faults", "--num", "60", "--only", *kinds]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [int(n) for n in done.stdout.split("\nall")[1].splitlines()[0].split()][3:] == [0, 0, 0, 0]
