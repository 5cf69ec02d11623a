"""``anystar evaluate``: label images against a ground truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.group import BAD_INPUT, PARTIAL, complain, one_line
from anystar.cli.matching import matching_pairs
from anystar.cli.options import Number

if TYPE_CHECKING:
    from anystar.evaluate import Scores

__all__ = ["evaluate"]


@click.command(no_args_is_help=True)
@click.argument("pred", metavar="PRED", type=click.Path(path_type=Path))
@click.argument("ground_truth", metavar="GROUND_TRUTH", type=click.Path(path_type=Path))
@click.option(
    "--iou",
    "thresholds",
    type=Number(0, 1, above=True),
    multiple=True,
    metavar="T",
    help="Overlap (intersection over union) from which an object counts as found; may be repeated. "
    "Default: 0.1 to 0.9.",
)
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), metavar="FILE.json", help="Write all numbers."
)
@click.option("--overwrite", is_flag=True, help="Replace FILE.json if it exists.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    pred: Path,
    ground_truth: Path,
    thresholds: tuple[float, ...],
    json_path: Path | None,
    overwrite: bool,
) -> None:
    """Compare the labels in PRED with those in GROUND_TRUTH, object by object.

    Both are label images, or folders of label images with matching names ('a_labels.tif' belongs to 'a.tif').
    AP (average precision) at an overlap (IoU) is TP / (TP + FP + FN), as StarDist and the Data Science Bowl
    2018 define it. Files that cannot be compared are reported and left out; the exit code is then 1.

    \b
    Examples:
      anystar evaluate embryo_labels.tif embryo_truth.tif
      anystar evaluate labels/ ground_truth/ --json scores.json
    """
    from anystar.evaluate import THRESHOLDS, add_scores
    from anystar.workflow.outputs import refuse_ending, refuse_outputs

    pairs, lacks = matching_pairs(pred, ground_truth)
    if json_path:
        refuse_ending("--json", json_path, ".json")
        files = [file for pair in pairs.values() for file in pair]
        refuse_outputs([("the scores", json_path)], inputs=files, overwrite=overwrite)
    for lack in lacks:
        complain(f"{lack}; the others are compared")
    scores: dict[str, Sequence[Scores]] = {}
    for name, (one, other) in pairs.items():
        try:
            scores[name] = _compare(one, other, thresholds or THRESHOLDS)
        except Exception as error:
            message = one_line(error)
            if message is None or len(pairs) == 1:
                raise
            complain(message)
    if scores:
        total = add_scores(scores.values())
        click.echo(_as_text(scores, total))
        if json_path:
            _write_json(json_path, scores, total, pairs)
    if len(scores) < len(pairs):
        click.echo(f"{len(pairs) - len(scores)} of {len(pairs)} pairs failed and are left out")
    if lacks:
        click.echo(f"left out for want of a partner: {'; '.join(lacks)}")
    if len(scores) < len(pairs) or lacks:
        ctx.exit(PARTIAL if scores else BAD_INPUT)


def _compare(pred: Path, ground_truth: Path, thresholds: Sequence[float]) -> Sequence[Scores]:
    from anystar import io
    from anystar.arrays import refuse_mismatch
    from anystar.evaluate import match_labels

    found, true = io.read_labels(pred), io.read_labels(ground_truth)
    refuse_mismatch(pred, found, ground_truth, true)
    for path, volume, name in ((pred, found, "object found"), (ground_truth, true, "labelled object")):
        if not volume.data.any():
            complain(f"{path} has no {name}; it counts, but check that it is the right file")
    return match_labels(true.data, found.data, thresholds=thresholds)


def _as_text(scores: dict[str, Sequence[Scores]], total: Sequence[Scores]) -> str:
    """Return the table of all objects, after a line per file if there are several."""
    from anystar.evaluate import mean_ap

    lines = []
    if len(scores) > 1:
        width = max(len(n) for n in scores)
        lines += [f"{n:<{width}}  mean AP {mean_ap(s):.3f}" for n, s in scores.items()]
        lines += ["", f"all {len(scores)} files:"]
    lines.append("  IoU        AP  precision  recall     F1     PQ    TP    FP    FN")
    lines += [
        f"{s.threshold:5.2f}  {s.ap:8.3f}  {s.precision:9.3f}  {s.recall:6.3f}  {s.f1:5.3f}"
        f"  {s.panoptic_quality:5.3f}  {s.tp:4d}  {s.fp:4d}  {s.fn:4d}"
        for s in total
    ]
    if len(total) > 1:
        span = f"{total[0].threshold:g} to {total[-1].threshold:g}"
        lines.append(f"mean AP over IoU {span}: {mean_ap(total):.3f}")
    return "\n".join(lines)


def _write_json(
    path: Path,
    scores: dict[str, Sequence[Scores]],
    total: Sequence[Scores],
    pairs: dict[str, tuple[Path, Path]],
) -> None:
    """Write all numbers, and the files compared, relative to the folder of ``path``."""
    import os

    from anystar.evaluate import mean_ap
    from anystar.runtime.atomic import staged

    def entry(one: Sequence[Scores]) -> dict[str, Any]:
        return {"mean_ap": mean_ap(one), "scores": [s.as_dict() for s in one]}

    def place(file: Path) -> str:
        return Path(os.path.relpath(file.absolute(), path.absolute().parent)).as_posix()

    files = {
        name: {"pred": place(pairs[name][0]), "ground_truth": place(pairs[name][1]), **entry(one)}
        for name, one in scores.items()
    }
    with staged(path) as (temporary,):
        temporary.write_text(
            json.dumps({"files": files, "total": entry(total)}, indent=2) + "\n", encoding="utf-8"
        )
