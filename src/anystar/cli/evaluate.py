"""``anystar evaluate``: label images against a ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.group import BAD_INPUT, PARTIAL, complain
from anystar.cli.options import Number, file_option, file_type, overwrite_option, reading_options

if TYPE_CHECKING:
    from anystar.evaluate import Scores

__all__ = ["evaluate"]


@click.command(no_args_is_help=True)
@click.argument("pred", metavar="PRED", type=file_type)
@click.argument("ground_truth", metavar="GROUND_TRUTH", type=file_type)
@click.option(
    "--iou",
    "thresholds",
    type=Number(0, 1, above=True),
    multiple=True,
    metavar="T",
    help="Overlap (intersection over union) from which an object counts as found; may be repeated. "
    "Default: 0.1 to 0.9.",
)
@file_option("--json", "json_path", metavar="FILE.json", help="Write all numbers.")
@reading_options
@overwrite_option
@click.pass_context
def evaluate(
    ctx: click.Context,
    pred: Path,
    ground_truth: Path,
    thresholds: tuple[float, ...],
    json_path: Path | None,
    **given: Any,
) -> None:
    """Compare the labels in PRED with those in GROUND_TRUTH, object by object.

    Both are label images, or folders of label images with matching names ('a_labels.tif' belongs to 'a.tif').
    AP (average precision) at an overlap (IoU) is TP / (TP + FP + FN), as StarDist and the Data Science Bowl
    2018 define it. Files that cannot be compared are reported and left out; the exit code is then 1.

    \b
    Examples:
      anystar evaluate embryo_labels.tif embryo_ground_truth.tif
      anystar evaluate labels/ ground_truth/ --json scores.json
    """
    from anystar.evaluate import THRESHOLDS
    from anystar.workflow.evaluating import evaluate_files

    done = evaluate_files(
        pred,
        ground_truth,
        thresholds=thresholds or THRESHOLDS,
        json_path=json_path,
        **given,
    )
    for line in done.unpaired:
        complain(f"{line}; the others are compared")
    for line in done.remarks:
        complain(line)
    if done.scores:
        click.echo(_as_text(done.scores, done.total))
    failed = len(done.pairs) - len(done.scores)
    if failed:
        click.echo(f"{failed} of {len(done.pairs)} pairs failed and are left out")
    if done.unpaired:
        click.echo(f"left out for want of a partner: {'; '.join(done.unpaired)}")
    if failed or done.unpaired:
        ctx.exit(PARTIAL if done.scores else BAD_INPUT)


def _as_text(scores: Mapping[str, Sequence[Scores]], total: Sequence[Scores]) -> str:
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
