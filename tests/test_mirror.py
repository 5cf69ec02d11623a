"""The tests mirror the source: tests/x/test_y.py is about src/anystar/x/y.py, or the package x/y."""

import importlib
import re
from pathlib import Path

import anystar

SOURCE, TESTS = Path(anystar.__file__).parent, Path(__file__).parent

# Modules without a test file of their own, by package, and the tests that exercise them. Lists only shrink.
ELSEWHERE = {
    "blocks": (
        "kept_objects lazy_array lazy_model outcome overview painting recovery scheduler tasks",
        "blocks/test_run.py blocks/test_resume.py blocks/test_cluster.py",
    ),
    "cli": (
        "export filter filter_options segment_options",
        "cli/test_segment.py cli/test_outputs.py workflow/test_exporting.py",
    ),
    "correction": (
        "editable entries history packed proposals rows split table",
        "correction/test_corrections.py correction/test_journal.py",
    ),
    "dataset": (
        "explained pool stores writer",
        "cli/test_synthesize.py",
    ),
    "geometry": (
        "tensors",
        "geometry/nms/test_torch.py",
    ),
    "geometry/body": (
        "torch",
        "geometry/nms/test_torch.py",
    ),
    "geometry/nms": (
        "torch_pairs",
        "geometry/nms/test_torch.py",
    ),
    "io": (
        "address axis_names colours hdf5 label_geometry ngff npy nrrd ome_xml ome_zarr opening "
        "source tiff_imagej tiff_reader tiff_series tiff_sets tiff_trust units "
        "unfinished world zarr_files",
        "io/test_files.py io/test_lazy.py io/test_damage.py io/test_geometry.py "
        "io/test_label_store.py io/test_tiff.py io/test_zarr_kinds.py",
    ),
    "lab": (
        "check experiments items methods panels plots request sources tables tuning",
        "lab/test_runner.py lab/test_layouts.py cli/test_data.py",
    ),
    "lab/peers": (
        "process tools",
        "lab/test_peers.py",
    ),
    "lab/peers/workers": (
        "cellpose stardist",
        "lab/test_peers.py",
    ),
    "napari": (
        "circle correcting corrections corrections_form filters_form histogram_view image_form learning "
        "live_control loss_curve results_view segment_form segmentation segmenting "
        "strokes widgets worker writers",
        "napari/test_segment_panel.py napari/test_corrections_panel.py napari/test_learn_panel.py",
    ),
    "nn": (
        "sync_batchnorm unet",
        "nn/test_model.py train/test_processes.py",
    ),
    "objects": (
        "objects",
        "objects/test_measure.py objects/test_filters.py",
    ),
    "predict": (
        "model notes",
        "predict/test_segment.py predict/test_result.py predict/test_instances.py",
    ),
    "predict/scale_search": (
        "config trial",
        "predict/scale_search/test_search.py",
    ),
    "preprocess": (
        "arrays",
        "preprocess/test_settings.py preprocess/test_margins.py",
    ),
    "report": (
        "montage survey timecourse",
        "report/test_overview.py cli/test_models.py",
    ),
    "report/html": (
        "charts examine findings page slices",
        "report/test_html.py report/test_browser.py",
    ),
    "synth": (
        "anatomy contrast defocus grains knobs layouts recipe recipes specimen",
        "synth/test_generate.py synth/test_kinds.py synth/test_golden.py synth/test_wide.py",
    ),
    "synth/augment": (
        "base blur cutout kspace levels margin noise shading window",
        "synth/augment/test_augment.py synth/augment/test_monai.py",
    ),
    "timecourse": (
        "stream",
        "cli/test_timecourse.py timecourse/test_curves.py",
    ),
    "train": (
        "config log provenance start validate",
        "train/test_loop.py cli/test_train.py",
    ),
    "workflow": (
        "annotated batch corrected evaluating file_result in_blocks measuring notes opened "
        "options outputs provenance reporting runs timecourse tuning",
        "cli/test_segment.py cli/test_measure.py cli/test_evaluate.py cli/test_report.py cli/test_tune.py",
    ),
}
# Tests of a behaviour that many modules share, and what it is.
ACROSS = {
    "blocks/test_cluster.py": "workers of a cluster",
    "blocks/test_resume.py": "interrupted runs",
    "cli/test_bad_input.py": "one line for each mistake",
    "cli/test_blockwise.py": "the same from the command line in blocks",
    "cli/test_outputs.py": "files that must not be replaced",
    "cli/test_streams.py": "what goes to the terminal",
    "cli/test_units.py": "lengths in the unit of the file",
    "evaluate/test_peers.py": "the same as StarDist and panoptica",
    "geometry/test_stardist.py": "the same as StarDist",
    "io/test_channels.py": "channels by name",
    "io/test_damage.py": "damaged files",
    "io/test_geometry.py": "spacing, units and affine in and out",
    "io/test_tiff_pages.py": "kinds of TIFF",
    "io/test_trust.py": "files that state nonsense",
    "io/test_zarr_kinds.py": "kinds of OME-Zarr",
    "napari/test_manifest.py": "what napari finds",
    "napari/test_user_actions.py": "from the sample to a saved correction",
    "predict/test_segment.py": "Model.segment as a whole",
    "report/test_browser.py": "the report in a browser",
    "workflow/test_box.py": "segmenting a part of an image, in every format",
    "workflow/test_thresholds.py": "several probability thresholds",
    "synth/augment/test_augment.py": "what holds for every augmentation",
    "synth/augment/test_monai.py": "the same as MONAI",
    "synth/test_golden.py": "samples that do not change",
    "synth/test_kinds.py": "kinds of specimens",
    "synth/test_override.py": "recipes changed by a file",
    "synth/test_wide.py": "the recipe wide",
    "train/test_diverged.py": "training that diverges",
    "test_documents.py": "examples in documents",
    "test_release.py": "versions, dependencies, recipe, workflows",
    "test_gpu_run.py": "everything on a graphics card",
    "test_imports.py": "import cycles",
    "test_language.py": "vocabulary",
    "test_mirror.py": "this",
    "test_notebook.py": "examples/",
    "test_resize_model.py": "scripts/",
    "test_scripts.py": "scripts/",
    "benchmarks/test_models.py": "benchmarks/",
    "benchmarks/test_training.py": "benchmarks/",
    "benchmarks/test_faults.py": "benchmarks/",
    "benchmarks/test_robustness.py": "benchmarks/",
    "benchmarks/test_calibration.py": "benchmarks/",
    "benchmarks/test_scales_and_sizes.py": "benchmarks/",
}


def test_the_map_for_contributors_names_every_package_and_calls_what_exists():
    text = (TESTS.parent / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| (`.*?) \| .+ \|$", text, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    there = {path.stem for path in SOURCE.iterdir() if path.suffix in ("", ".py")}
    assert named == {name for name in there if not name.startswith("_")}
    line = text[text.index("### The line from image") : text.index("## Conventions")]
    for dotted in re.findall(r"`((?:\w+\.)+\w+)(?=[`(])", line):
        module, _, name = dotted.removeprefix("anystar.").rpartition(".")
        if module.split(".")[0] in named:
            try:
                importlib.import_module(f"anystar.{module}.{name}")
            except ModuleNotFoundError:
                assert hasattr(_resolve(module), name), dotted


def _resolve(dotted):
    try:
        return importlib.import_module(f"anystar.{dotted}")
    except ModuleNotFoundError:
        module, _, name = dotted.rpartition(".")
        return getattr(importlib.import_module(f"anystar.{module}"), name)


def test_every_test_file_is_about_a_module_or_listed():
    strangers = []
    for path in sorted(TESTS.rglob("test_*.py")):
        place = path.relative_to(TESTS)
        about = SOURCE / place.parent / place.stem.removeprefix("test_")
        if not (about.with_suffix(".py").exists() or about.is_dir() or place.as_posix() in ACROSS):
            strangers.append(place.as_posix())
    assert strangers == []


def test_every_module_has_its_test_or_is_listed():
    untested = []
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE)
        own = TESTS / place.parent / f"test_{place.name}"
        listed = ELSEWHERE.get("" if place.parent == Path() else place.parent.as_posix(), ("", ""))[0].split()
        if not (place.stem.startswith("_") or own.exists() or place.stem in listed):
            untested.append(place.as_posix())
    assert untested == []


def test_the_tests_that_are_named_exist():
    named = {name for _, tests in ELSEWHERE.values() for name in tests.split()} | set(ACROSS)
    assert [name for name in sorted(named) if not (TESTS / name).exists()] == []
