"""The vocabulary of the field, in plain sentences: in the code, its docstrings, the documents and the README.

Words for which the field has better ones are found, and so are sentences of 30 words or more. ``NAMES``
lists the names in other software and in files of users that contain such a word.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "anystar"
MOST_WORDS = 29

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

# Names of other software, and names in files and commands of users, that are read or accepted still.
NAMES = re.compile(
    r"\.tell\(|LogRecord|\.record\(|zenodo\.org/records|samples[ _-]seen"  # files, logging, CUDA, the field
    r"|\"--(?:truth|shown|picture|record|from-record)\"|\"(?:records?|picture|seen)\""  # older options, keys
    r"|[\"`]_truth[\"`]"  # in names of files
    r"|\b(?:splitting_|gap_closing_)?cutoff\b(?==)"  # LapTrack
)


# The most words of a page: the nearest of its folders counts. Tables count, code does not.
BUDGETS = {
    "README.md": 600,
    "CHANGELOG.md": 1500,
    "CONTRIBUTING.md": 1500,
    "SECURITY.md": 200,
    "CODE_OF_CONDUCT.md": 150,
    "docs": 200,
    "docs/comparison.md": 1000,
    "docs/tutorials": 800,
    "docs/how-to": 1100,
    "docs/how-to/fine-tuning.md": 1300,
    "docs/gallery": 800,
    "docs/reference": 1000,
    "docs/reference/files.md": 2300,
    "docs/reference/generator-knobs.md": 3300,
    "docs/explanation": 600,
    "docs/explanation/generator.md": 2600,
    "docs/explanation/geometry.md": 3000,
    "docs/explanation/scale.md": 2600,
    "docs/lab-notes": 2500,
    "docs/lab-notes/robustness.md": 3200,  # most of it one table of fifteen volumes
    "docs/lab-notes/training-log.md": 12000,
}


def files() -> list[Path]:
    """Return the source, the documents and the README."""
    written = sorted(p for p in (ROOT / "docs").rglob("*.md") if "generated" not in p.parts)
    return [*sorted(ROOT.glob("*.md")), *written, *sorted(SOURCE.rglob("*.py"))]


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
            if re.match(r"(\||#|>>>|\.\.\.|<|!\[|---|===|anystar |torchrun )", stripped) or re.match(
                r"[\w, *]+ : ", stripped
            ):
                out.append("\n")
            elif re.match(r"([-*]|\d+\.) ", stripped):
                out.append("\n" + stripped)
            elif stripped and line.startswith("    ") and (block.startswith("    ") or lines[0][:1].strip()):
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
        for found in DIALECT.finditer(NAMES.sub("name", line))
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


def test_the_words_are_those_of_the_field():
    found = [hit for path in files() for hit in dialect(path)]
    used = Counter(hit.rpartition(": ")[2].lower() for hit in found)
    assert not found, "\n".join([f"write what the field says (see WORDS): {dict(used)}", *found])


def test_sentences_are_short():
    found = [hit for path in files() for hit in long_sentences(path)]
    assert not found, "\n".join([f"split sentences of more than {MOST_WORDS} words:", *found])


def budget(path: Path) -> int:
    """Return the most words of a page."""
    place = path.relative_to(ROOT)
    return next(BUDGETS[p.as_posix()] for p in (place, *place.parents) if p.as_posix() in BUDGETS)


def num_words(text: str) -> int:
    """Return the number of words of a page, without its code."""
    return len(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL).split())


def test_words_are_counted_without_code():
    assert num_words("# Two words\n\n```bash\nanystar --help\n```\n\n| a | b |\n") == 8
    assert budget(ROOT / "docs" / "how-to" / "install.md") == BUDGETS["docs/how-to"]


def test_pages_keep_to_their_budget():
    pages = {path: num_words(path.read_text("utf-8")) for path in files() if path.suffix == ".md"}
    over = [
        f"{path.name}: {words} of {budget(path)}" for path, words in pages.items() if words > budget(path)
    ]
    assert not over, f"split or shorten, or raise the budget with a reason: {over}"


def test_the_readme_has_fewer_than_90_lines():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 90


if __name__ == "__main__":
    for file in files():
        for hit in dialect(file) + long_sentences(file):
            print(hit)
