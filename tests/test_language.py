"""The vocabulary of the field, in plain sentences: in the code, its docstrings, the documents and the README.

Words for which the field has better ones are counted, and so are sentences of more than 35 words. Each
package has an allowance for what is still to be rewritten and for true uses. It only shrinks.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_WORDS = 35

# A pattern, and what to write instead. Underscores and digits end a word, so that names count too.
WORDS = {
    "told|tells?": "given, reported",
    "asked|asks?|asking": "required, requested",
    "said|, say": "reported, for example",
    "seen": "resampled, visible, found",
    "shown": "displayed",
    "mend(?:s|ed|ing)?": "fill, repair, fix",
    "bears?|borne": "contain",
    "settl(?:e|es|ed|ing)": "choose, suppress",
    "c[oa]mes? along": "is bundled",
    "begun from": "initialised from",
    "so many|as many": "the number of",
    "unlike the others": "outlier",
    "crowds?": "texture mixture",
    "cutoff|raised to": "adaptive threshold",
    "levelled": "with even illumination",
    "proportions?": "voxel aspect ratio, VoxelSize",
    "(?<!ground )(?<!ground_)(?<!ground-)truths?": "ground truth",
    "irrelevant": "filtered, rejected",
    "fates?": "outcome",
    "doubt(?:s|ful)?": "outlier",
    "verdicts?": "assessment",
    "badness": "score",
    "pictures?": "overview image",
    "records?": "provenance",
    "likewise": "also",
    "(?:voxels|samples|points|cells|rays|nodes|seconds|bytes|objects|processes|threads|planes|lines) an?"
    " (?:voxel|sample|axis|core|volume|batch|cell|step|point|object|block|process|ray|scale|plane)": "per",
    "once a (?:batch|step|volume|block)": "per",
}
DIALECT = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(WORDS)})(?![A-Za-z])", re.IGNORECASE)

ALLOWED_WORDS: dict[str, int] = {
    "README.md": 7,
    "blocks": 1,
    "cli": 5,
    "docs/reference/files.md": 1,
    "docs/how-to/fine-tuning.md": 6,
    "docs/explanation/generator.md": 10,
    "docs/how-to/report.md": 4,
    "docs/lab-notes/reproduction.md": 4,
    "docs/explanation/scale.md": 16,
    "docs/lab-notes/training-log.md": 55,
    "docs/your-own-training.md": 4,
    "io": 24,
    "lab": 1,
    "nn": 13,
    "preprocess": 1,
    "report": 3,
    "synth": 29,
    "targets.py": 7,
    "train": 32,
    "workflow": 4,
}
ALLOWED_SENTENCES: dict[str, int] = {
    "README.md": 3,
    "cli": 2,
    "docs/reference/files.md": 1,
    "docs/how-to/fine-tuning.md": 4,
    "docs/explanation/generator.md": 9,
    "docs/lab-notes/reproduction.md": 1,
    "docs/explanation/scale.md": 9,
    "docs/lab-notes/training-log.md": 28,
    "preprocess": 1,
    "report": 1,
    "synth": 1,
    "train": 1,
}


def places() -> dict[str, list[Path]]:
    """The files by package; a module of its own, or a document, is one."""
    found: dict[str, list[Path]] = {"README.md": [ROOT / "README.md"]}
    for path in sorted((ROOT / "docs").rglob("*.md")):
        found[path.relative_to(ROOT).as_posix()] = [path]
    for path in sorted((ROOT / "src" / "anystar").rglob("*.py")):
        found.setdefault(path.relative_to(ROOT / "src" / "anystar").parts[0], []).append(path)
    return found


def paragraphs(text: str) -> Iterator[str]:
    """The running text of a document or docstring: without code, tables, headings and underlines."""
    text = re.sub(r"^```.*?^```", "\n", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!--.*?-->", "\n", text, flags=re.DOTALL)
    for block in re.split(r"\n\s*\n", text):
        if re.search(r"^\s*=+ +=", block, flags=re.MULTILINE):  # a table
            continue
        lines, out = block.splitlines(), []
        for line in lines:
            stripped = line.strip()
            if re.match(r"(\||#|>>>|\.\.\.|<|!\[|---|===)", stripped) or re.match(r"[\w, *]+ : ", stripped):
                out.append("\n")
            elif re.match(r"([-*]|\d+\.) ", stripped):
                out.append("\n" + stripped)
            elif line.startswith("    ") and not re.match(r"\s", lines[0]):
                out.append("\n" + stripped)  # the description of a parameter, or what a command prints
            else:
                out.append(stripped)
        yield from (part for part in " ".join(out).split("\n") if part.strip())


def sentences(text: str) -> Iterator[str]:
    """The sentences of a document or docstring."""
    for paragraph in paragraphs(text):
        plain = re.sub(r"\(https?:[^)]*\)", "", paragraph)
        yield from re.split(r"(?<=[.!?:;])[\"')`]* +(?=[^a-z])", plain)


def texts(path: Path) -> Iterator[str]:
    """A document, or the docstrings of a module with those under its constants and fields."""
    content = path.read_text()
    if path.suffix == ".md":
        yield content
        return
    for node in ast.walk(ast.parse(content)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.value


def dialect(path: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {found[0]}"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for found in DIALECT.finditer(line)
    ]


def long_sentences(path: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {sentence.strip()}"
        for text in texts(path)
        for sentence in sentences(text)
        if len(re.findall(r"[A-Za-z]{2,}|\ba\b", re.sub(r"`[^`]*`", "x1y", sentence))) > MOST_WORDS
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("is told the size", ["told"]),
        ("the ground truth, ground_truth and true_label", []),
        ("truth_labels, the truth", ["truth", "truth"]),
        ("find_crowd(raised_to)", ["crowd"]),
        ("two voxels a sample of samples a voxel", ["voxels a sample", "samples a voxel"]),
        ("bearing, storytelling, setting", []),
    ],
)
def test_dialect_is_found(line, words):
    assert [found[0] for found in DIALECT.finditer(line)] == words


def test_sentences_are_told_apart():
    text = "One sentence, of e.g. two lines\nhere. Another one.\n\n- An item\n- and one\n\n    >>> code\n"
    assert list(sentences(text)) == [
        "One sentence, of e.g. two lines here.",
        "Another one.",
        "- An item ",
        "- and one",
    ]


def test_no_more_dialect_than_allowed():
    found = {place: [hit for path in files for hit in dialect(path)] for place, files in places().items()}
    over = {place: hits for place, hits in found.items() if len(hits) > ALLOWED_WORDS.get(place, 0)}
    used = Counter(hit.rpartition(": ")[2].lower() for hits in over.values() for hit in hits)
    listed = "\n".join(hit for hits in over.values() for hit in hits)
    assert not over, f"write what the field says (see WORDS): {dict(used)}\n{listed}"


def test_no_more_long_sentences_than_allowed():
    found = {
        place: [hit for path in files for hit in long_sentences(path)] for place, files in places().items()
    }
    over = {place: hits for place, hits in found.items() if len(hits) > ALLOWED_SENTENCES.get(place, 0)}
    listed = "\n".join(hit for hits in over.values() for hit in hits)
    assert not over, f"split sentences of more than {MOST_WORDS} words:\n{listed}"


if __name__ == "__main__":  # the allowances of today
    for name, count in (("WORDS", dialect), ("SENTENCES", long_sentences)):
        amounts = {place: sum(len(count(path)) for path in files) for place, files in places().items()}
        print(f"ALLOWED_{name} =", {place: n for place, n in amounts.items() if n})
