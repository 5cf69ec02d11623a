"""Judge a model with its defaults: ``python -m benchmarks.models --model NAME|PATH``.

The model gets the spacing and nothing else; the classical pipeline beside it gets the diameter and whether
objects are brighter or darker. Choose thresholds with other seeds (``--first-seed 100 --sweep``) than the
ones a model is judged by.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import anystar
from anystar.report.overview import save_overview
from benchmarks.models.score import CENTRE_DISTANCE, classical_outcomes, judge, segment
from benchmarks.models.suite import GROUPS, Group, Task, tasks
from benchmarks.models.sweep import Grid, sweep, sweep_table
from benchmarks.models.tables import Row, centres_table, empty_table, labels_table

_TITLES: dict[Group, str] = {
    "simulated": "Simulated",
    "beyond": "Simulated, with grain everywhere, or tiny",
    "thin": "Simulated, a few planes",
    "empty": "Nothing to find",
    "recipe": "Fresh samples of the recipes",
    "real": "Real volumes",
    "centres": f"Real volumes with centres, within {CENTRE_DISTANCE:g} pixels",
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=__doc__)
    parser.add_argument("--model", help="name or path; the default model if left out")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seeds", type=int, default=1, metavar="K", help="seeds a condition")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=GROUPS)
    parser.add_argument("--true-diameter", action="store_true", help="give the model the true diameter")
    parser.add_argument("--unknown-spacing", action="store_true", help="do not give it the voxel size")
    parser.add_argument("--tta", action="store_true", help="average over mirror images")
    parser.add_argument("--fast", action="store_true", help="let the network see objects smaller")
    parser.add_argument("--sweep", action="store_true", help="try a grid of thresholds as well")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ANYSTAR_DATA", "../shared/data")))
    parser.add_argument("--cache", type=Path, default=Path("out/models/cache"), help="for simulated volumes")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    parser.add_argument("--out", type=Path, help="folder for overview images of the first seed")
    return parser.parse_args()


def _picture(folder: Path, task: Task, result: anystar.Result) -> None:
    name = f"{task.group}-{task.name}".replace(",", "").replace(" ", "-")
    save_overview(
        folder / f"{name}.png",
        task.sample.image.data,
        result.labels,
        spacing=task.sample.image.spacing,
        unit=task.sample.image.unit,
        title=f"{task.name}: {len(result.objects)} objects",
    )


def main() -> None:
    options = _arguments()
    model = anystar.load_model(options.model, device=options.device)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    rows: list[Row] = []
    grids: list[tuple[Group, str, Grid]] = []
    drawn = set()
    for task in tasks(groups=tuple(options.groups), seeds=seeds, cache=options.cache, data=options.data):
        print(f"{task.group}: {task.name}, seed {task.seed}", file=sys.stderr)
        result, seconds = segment(
            model,
            task.sample,
            true_diameter=options.true_diameter,
            unknown_spacing=options.unknown_spacing,
            tta=options.tta,
            fast=options.fast,
        )
        plain, smoothed = classical_outcomes(task, options.cache)
        rows.append(
            Row(
                group=task.group,
                name=task.name,
                seed=task.seed,
                model=judge(task.sample, result, seconds),
                classical=plain,
                smoothed=smoothed,
            )
        )
        if options.sweep:
            grids.append((task.group, task.name, sweep(task.sample, result)))
        if options.out and (task.group, task.name) not in drawn:
            drawn.add((task.group, task.name))
            _picture(options.out, task, result)

    given = [name for name in ("true_diameter", "unknown_spacing", "tta", "fast") if vars(options)[name]]
    settings = f", {' and '.join(given).replace('_', ' ')}" if given else ", its defaults only"
    print(f"Model {model.name}{settings}; seeds {seeds.start} to {seeds.stop - 1}.")
    for group in GROUPS:
        chosen = [r for r in rows if r.group == group]
        if chosen:
            table = {"empty": empty_table, "centres": centres_table}.get(group, labels_table)
            print(f"\n{_TITLES[group]}:\n\n{table(chosen)}")
    for group in GROUPS if options.sweep else ():
        if any(of == group for of, _, _ in grids):
            print(f"\n{_TITLES[group]}, by thresholds:\n\n{sweep_table(grids, group)}")
    if options.json:
        stored = {
            "model": model.name,
            "card": model.card,
            "true_diameter": options.true_diameter,
            "rows": [asdict(r) for r in rows],
            "sweep": [
                {"group": of, "name": name, "prob": p, "nms": n, **asdict(outcome)}
                for of, name, grid in grids
                for (p, n), outcome in grid.items()
            ],
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
