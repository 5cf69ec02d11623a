"""What users wait for, against an earlier version, on one machine in one run, as a table of ratios.

``python -m benchmarks.speed.targets [--before REVISION] [--only PATTERN] [--repeat N] [--peer PYTHON]``

Both versions run in turn with the same Python environment, so that whatever slows the machine slows both.
Beside the elapsed seconds (median) are those of the processor, user and system together (the least of all
runs): other programs hardly change them. Peak memory is that of one process. The machine should be idle; with
two cores all of it takes about ten minutes, and ``--quick`` takes a third. ``--peer`` names the Python of an
environment with stardist and tensorflow, for the ratios to StarDist.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.speed.__main__ import ask

ROOT = Path(__file__).parents[2]
EMBRYO = ROOT / "examples" / "mouse_embryo.tif"
SHAPES = {"small": (128,) * 3, "flat": (64, 512, 512), "large": (256,) * 3}
MIB = 1024


@dataclass(kw_only=True)
class Cost:
    """What runs of one version took."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mib: int = 0

    @property
    def seconds(self) -> float:
        """Median of the elapsed seconds."""
        return statistics.median(self.wall)

    @property
    def cpu_seconds(self) -> float:
        """Least seconds of the processor."""
        return min(self.cpu)


@dataclass(frozen=True, kw_only=True)
class Version:
    """A checkout that is timed."""

    root: Path
    cache: Path
    """Where its kernels are kept, compiled."""

    @property
    def environment(self) -> dict[str, str]:
        """Environment of its processes."""
        return os.environ | {"PYTHONPATH": str(self.root / "src"), "NUMBA_CACHE_DIR": str(self.cache)}

    @property
    def overview(self) -> str:
        """The option that writes an overview image: it was called ``--picture`` before version 1."""
        options = (self.root / "src" / "anystar" / "cli" / "segment_options.py").read_text()
        return "--overview" if '"--overview"' in options else "--picture"


def run(version: Version, arguments: list[str], cost: Cost, folder: Path) -> str:
    """Run Python in a fresh process, add what it took, and return what it printed."""
    began = time.perf_counter()
    with (folder / "printed").open("w+") as printed, (folder / "errors").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=version.environment, cwd=folder, stdout=printed, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(arguments)} failed:\n{errors.read()[-2000:]}")
        cost.wall.append(time.perf_counter() - began)
        cost.cpu.append(used.ru_utime + used.ru_stime)
        cost.peak_mib = max(cost.peak_mib, used.ru_maxrss // MIB)
        printed.seek(0)
        return printed.read()


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Two versions, the volumes, and how often each is run."""

    versions: tuple[Version, Version]
    folder: Path
    repeat: int

    def volume(self, name: str) -> Path:
        """Return a volume of that name, made when it is first needed.

        It is made in another process: the peak memory of a process is at least that of its parent.
        """
        path = self.folder / f"{name}.npy"
        if not path.exists():
            words = [sys.executable, "-m", "benchmarks.speed.volume", str(path), *map(str, SHAPES[name])]
            subprocess.run(words, cwd=ROOT, check=True)
        return path

    def in_turn(self, work: Callable[[Version, Cost], None], repeat: int = 0) -> tuple[Cost, Cost]:
        """Return what both versions took, run in turn."""
        costs = Cost(), Cost()
        for _ in range(repeat or self.repeat):
            for version, cost in zip(self.versions, costs, strict=True):
                work(version, cost)
        return costs

    def command(self, image: Path, version: Version, cost: Cost, *, beside: bool = True) -> None:
        """Run ``anystar segment``, with a table and an overview image beside the labels by default."""
        words = ["-m", "anystar", "segment", str(image), "-o", str(self.folder / "labels.tif"), "--overwrite"]
        words += ["--device", "cpu"]
        if beside:
            words += ["--table", str(self.folder / "objects.csv")]
            words += [version.overview, str(self.folder / "overview.png")]
        run(version, words, cost, self.folder)

    def in_python(self, version: Version, cost: Cost, *how: str) -> None:
        """Time ``Model.segment`` on the small volume."""
        script = str(Path(__file__).parent / "in_python.py")
        whole = Cost()
        printed = run(version, [script, str(self.volume("small")), "2", *how], whole, self.folder)
        for line in map(json.loads, printed.splitlines()):
            cost.wall.append(line["wall"])
            cost.cpu.append(line["cpu"])
        cost.peak_mib = max(cost.peak_mib, whole.peak_mib)

    def first_run(self, version: Version, cost: Cost) -> None:
        """Add what the first run after installing takes more than the second, where nothing is compiled."""
        with tempfile.TemporaryDirectory(dir=self.folder) as empty:
            fresh = Version(root=version.root, cache=Path(empty))
            both = Cost()
            for _ in range(2):
                self.command(EMBRYO, fresh, both)
        cost.wall.append(both.wall[0] - both.wall[1])
        cost.cpu.append(both.cpu[0] - both.cpu[1])


@contextmanager
def busy_process() -> Iterator[None]:
    """Keep one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def checkout(revision: str, folder: Path) -> Iterator[Path]:
    """Give the files of a revision of this repository."""
    place = folder / "before"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", str(place), revision], check=True, capture_output=True)
    try:
        yield place
    finally:
        subprocess.run([*git, "remove", "--force", str(place)], check=True)


def rows(bench: Bench) -> dict[str, tuple[str, Callable[[], tuple[Cost, Cost]]]]:
    """Return by name what is aimed at (a share of the time before, or a number), and how it is measured."""

    def command(image: Callable[[], Path], *, beside: bool = True) -> Callable[[], tuple[Cost, Cost]]:
        return lambda: bench.in_turn(
            lambda version, cost: bench.command(image(), version, cost, beside=beside)
        )

    def in_python(*how: str) -> Callable[[], tuple[Cost, Cost]]:
        return lambda: bench.in_turn(lambda version, cost: bench.in_python(version, cost, *how))

    def beside_busy() -> tuple[Cost, Cost]:
        with busy_process():
            return command(lambda: EMBRYO)()

    flat = "64 x 512 x 512"
    return {
        "command, embryo, table and overview": ("0.5", command(lambda: EMBRYO)),
        "the same beside one busy process": ("1.2 times quiet", beside_busy),
        f"command, {flat}, table and overview": ("0.5", command(lambda: bench.volume("flat"))),
        f"command, {flat}, labels only": ("0.5", command(lambda: bench.volume("flat"), beside=False)),
        "Model.segment, 128^3, nothing given": ("0.4", in_python()),
        "Model.segment, 128^3, float32": ("0.5", in_python("float32")),
        "Model.segment, 128^3, both given": ("", in_python("given")),
        "command, 256^3, table and overview": (
            "memory no more",
            lambda: bench.in_turn(
                lambda version, cost: bench.command(bench.volume("large"), version, cost), repeat=1
            ),
        ),
        "first run after install, more than the second": ("2 s", lambda: bench.in_turn(bench.first_run, 1)),
        "command, 128^3, labels only": ("", command(lambda: bench.volume("small"), beside=False)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", default="7b4f2e3", help="revision to compare with (default: %(default)s)")
    parser.add_argument("--only", default="", help="rows whose name matches this pattern")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each version (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one run of each version")
    parser.add_argument("--peer", help="python of an environment with stardist and tensorflow")
    given = parser.parse_args()
    threads = os.environ.setdefault("OMP_NUM_THREADS", str(len(os.sched_getaffinity(0))))
    with tempfile.TemporaryDirectory() as name, checkout(given.before, Path(name)) as before:
        folder = Path(name)
        versions = (
            Version(root=before, cache=folder / "kernels-before"),
            Version(root=ROOT, cache=folder / "kernels-now"),
        )
        bench = Bench(versions=versions, folder=folder, repeat=1 if given.quick else given.repeat)
        for image in (EMBRYO, bench.volume("small")):  # compiles, for both types of pixels
            bench.in_turn(functools.partial(bench.command, image), repeat=1)
        print(f"{threads} threads, {given.before} and now\n")
        print(
            "| | s before | s now | ratio | CPU s before | CPU s now | ratio | MiB before | MiB now | aim |"
        )
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---|")
        done = {}
        for name, (aim, measure) in rows(bench).items():
            if not re.search(given.only, name):
                continue
            then, now = done[name] = measure()
            cells = [f"{then.seconds:.2f}", f"{now.seconds:.2f}", f"{now.seconds / then.seconds:.2f}"]
            cells += [f"{then.cpu_seconds:.2f}", f"{now.cpu_seconds:.2f}"]
            cells += [f"{now.cpu_seconds / then.cpu_seconds:.2f}", f"{then.peak_mib:,}", f"{now.peak_mib:,}"]
            print(f"| {name} | {' | '.join(cells)} | {aim} |", flush=True)
        if given.peer:
            compare_with_peer(given.peer, bench, done)


def compare_with_peer(python: str, bench: Bench, done: dict[str, tuple[Cost, Cost]]) -> None:
    """Print how many times longer StarDist takes for its network and instances than each of ours."""
    theirs = ask(python, "theirs.py", str(bench.volume("small")), str(bench.repeat))
    seconds = theirs["network and instances"]["seconds"]
    print(f"\nStarDist, network and instances, 128^3: {seconds:.2f} s\n")
    print("| times as fast as StarDist | before | now | aim |\n|---|---:|---:|---:|")
    names = {
        "command, 128^3, labels only": 3,
        "Model.segment, 128^3, nothing given": 6,
        "Model.segment, 128^3, both given": 30,
    }
    for name, aim in names.items():
        if name in done:
            then, now = done[name]
            print(f"| {name} | {seconds / then.seconds:.1f} | {seconds / now.seconds:.1f} | {aim} |")


if __name__ == "__main__":
    main()
