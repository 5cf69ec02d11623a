"""The panel, in a viewer."""

import threading

import numpy as np
import pytest

import anystar
from anystar.napari.results_view import camera_of
from anystar.napari.segmentation import segmentation_of
from tests.napari.conftest import PLACE, TIMEOUT, grey, rest, run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def objects_layer(panel):
    return panel.viewer.layers["spots objects"]


def test_labels_lie_on_the_image_with_their_table(panel, image, qtbot):
    run(qtbot, panel)
    layer = objects_layer(panel)
    found = segmentation_of(layer)
    assert len(layer.features) == len(found.result.objects) > 10
    np.testing.assert_array_equal(layer.data, found.result.labels)
    np.testing.assert_array_equal(layer.scale, image.scale)
    np.testing.assert_array_equal(layer.translate, image.translate)
    np.testing.assert_array_equal(layer.affine, image.affine)
    assert layer.units == image.units
    assert layer.axis_labels == image.axis_labels
    assert layer.features["probability"].is_monotonic_decreasing
    assert list(layer.features["index"]) == list(layer.features["label"])
    assert found.result.voxel_size.spacing == (1.0, 0.5, 0.5)


def test_time_and_channel_are_those_of_the_sliders(panel, qtbot):
    data = np.zeros((2, 3, *grey().shape), np.float32)
    data[1, 2] = grey()
    panel.viewer.add_image(
        data,
        name="movie",
        channel_axis=None,
        axis_labels=("t", "c", "z", "y", "x"),
        scale=(60, 1, 1, 0.5, 0.5),
    )
    panel.form.diameter.setValue(4.0)
    panel.viewer.dims.set_point((0, 1), (60, 2))
    assert panel.form.where.text() == "time point 1, channel 2 (as the sliders stand)"
    run(qtbot, panel)
    layer = panel.viewer.layers["movie objects"]
    assert layer.data.shape == (1, 1, *grey().shape)
    assert layer.data_to_world((0, 0, 0, 0, 0)) == (60, 2, 0, 0, 0)
    assert layer.data.max() > 10
    np.testing.assert_array_equal(segmentation_of(layer).place.from_layer(layer.data), layer.data[0, 0])


@pytest.mark.parametrize("kind", ["multiscale", "dask"])
def test_pyramids_and_lazy_layers_give_the_same_labels(panel, image, qtbot, kind):
    run(qtbot, panel)
    expected = objects_layer(panel).data.copy()
    if kind == "multiscale":
        other = panel.viewer.add_image(
            [grey(), grey()[::2, ::2, ::2]], multiscale=True, name="other", **PLACE
        )
    else:
        array = pytest.importorskip("dask.array").from_array(grey(), chunks=(16, 30, 40))
        other = panel.viewer.add_image(array, name="other", **PLACE)
    panel.form.image.setCurrentText(other.name)
    run(qtbot, panel)
    np.testing.assert_array_equal(panel.viewer.layers["other objects"].data, expected)


def test_try_here_segments_a_box_in_the_middle_of_the_view(panel, image, qtbot):
    middle = image.data_to_world((20, 28, 36))
    run(qtbot, panel, "try_here", point=middle)
    layer = panel.viewer.layers["spots try"]
    assert np.prod(layer.data.shape) < image.data.size
    start = np.array(image.world_to_data(layer.data_to_world((0, 0, 0)))).round().astype(int)
    part = image.data[tuple(slice(a, a + n) for a, n in zip(start, layer.data.shape, strict=True))]
    assert part[layer.data > 0].mean() > 5 * part[layer.data == 0].mean()
    run(qtbot, panel)
    assert [other.name for other in panel.viewer.layers] == ["spots", "spots objects"]  # the try went
    run(qtbot, panel, "try_here", point=middle)
    segmentation_of(panel.viewer.layers["spots try"]).corrected = True  # somebody painted in it
    run(qtbot, panel, "try_here", point=middle)
    names = ["spots", "spots objects", "spots try", "spots try [1]"]
    assert [other.name for other in panel.viewer.layers] == names


def test_a_try_is_a_part_of_the_whole_up_to_its_border(panel, image, qtbot, stub):
    run(qtbot, panel, "try_here", point=image.data_to_world((20, 28, 36)))
    found = segmentation_of(panel.viewer.layers["spots try"])
    box, result = found.place.start, found.result
    shape = result.labels.shape
    assert result.image.shape > shape  # what lies around was read as well
    volume = anystar.Volume(data=grey(), spacing=(1, 0.5, 0.5))
    whole = stub.segment(volume, diameter=4.0, prob_thresh=result.prob_thresh)
    part = whole.labels[tuple(slice(a, a + n) for a, n in zip(box, shape, strict=True))]
    np.testing.assert_array_equal(result.labels > 0, part > 0)
    faces = [result.labels[:, 0], result.labels[:, -1], result.labels[:, :, 0], result.labels[:, :, -1]]
    assert any(face.any() for face in faces)  # objects are cut there
    panel.filters.threshold.setValue(0.8)
    rest(qtbot, panel)
    assert panel.viewer.layers["spots try"].data.shape == shape


@pytest.mark.parametrize("name", ["other", "spots"])
def test_the_diameter_of_one_image_is_not_that_of_another(panel, image, qtbot, name):
    run(qtbot, panel)
    panel.form.diameter.setValue(0.0)
    panel.viewer.layers.remove(image)
    panel.viewer.add_image(grey(), name=name, scale=(3, 1, 1), units=("um",) * 3)
    panel.form.image.setCurrentText(name)
    panel.try_here()
    assert panel._request.diameter is None
    panel.cancel()
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        pass


def test_the_diameter_found_is_used_by_the_next_try(panel, image, qtbot, stub):
    run(qtbot, panel)
    panel.form.diameter.setValue(0.0)
    stub.network.seen.clear()
    run(qtbot, panel, "try_here")
    assert len(stub.network.seen) <= 2  # no scales were tried
    assert segmentation_of(panel.viewer.layers["spots try"]).result.diameter_vox == pytest.approx(8.0)


def test_a_drawn_circle_is_the_diameter(panel, image):
    panel.form.draw.setChecked(True)
    layer = panel.circle.layer
    assert layer.mode == "add_ellipse"
    layer.add_ellipses([[20, 10, 10], [20, 10, 22], [20, 22, 22], [20, 22, 10]])
    panel.circle.report()
    assert panel.form.diameter.value() == 6.0
    assert panel.form.diameter.suffix() == " µm"
    assert [other.name for other in panel.viewer.layers] == ["spots"]


def test_sliders_change_the_labels_the_count_and_the_features(panel, image, qtbot):
    run(qtbot, panel)
    layer, found = objects_layer(panel), segmentation_of(objects_layer(panel))
    before = found.result
    panel.filters.contrast.setValue(float(np.median(layer.features["contrast"])))
    expected = before.filter(min_contrast=panel.filters.contrast.value())
    assert 0 < len(expected.objects) < len(before.objects)
    np.testing.assert_array_equal(layer.data, expected.labels)  # at once
    assert panel.filters.count.text().startswith(f"{len(expected.objects)} objects, ")
    rest(qtbot, panel)
    assert list(layer.features["label"]) == list(expected.objects.label)
    panel.filters.contrast.setValue(0.0)
    np.testing.assert_array_equal(layer.data, before.labels)


@pytest.mark.parametrize("threshold", [0.3, 0.8])
def test_a_threshold_ends_in_the_exact_result(panel, image, qtbot, threshold):
    run(qtbot, panel)
    layer, before = objects_layer(panel), segmentation_of(objects_layer(panel)).result
    panel.filters.threshold.setValue(threshold)
    assert panel.filters.count.text().endswith("(preview)")
    exact = before.rethreshold(panel.filters.threshold.value())
    if threshold > before.prob_thresh:  # from the objects that are displayed
        assert panel.filters.count.text() == f"{len(exact.objects)} objects (preview)"
    else:  # from those of the lowest threshold, on whose outlines others voted
        assert int(panel.filters.count.text().split()[0]) > len(before.objects)
    rest(qtbot, panel)
    np.testing.assert_array_equal(layer.data, exact.labels)
    assert panel.filters.count.text() == f"{len(exact.objects)} objects"
    assert len(segmentation_of(layer).result.objects) == len(exact.objects)


def test_corrected_labels_are_not_drawn_over(panel, image, qtbot):
    run(qtbot, panel)
    layer = objects_layer(panel)
    segmentation_of(layer).corrected = True
    layer.data[0, 0, 0] = 99
    panel.filters.threshold.setValue(0.9)
    assert layer.data[0, 0, 0] == 99
    assert not panel.filters.isEnabled()


def test_a_row_selects_and_centres_its_object_and_a_label_its_row(panel, image, qtbot):
    run(qtbot, panel)
    layer = objects_layer(panel)
    row = 4
    panel.table.selectRow(row)
    label = int(layer.features["label"][row])
    assert layer.selected_label == label
    world = np.array(panel.viewer.dims.point)
    voxel = tuple(np.array(layer.world_to_data(world)).round().astype(int))
    assert abs(voxel[0] - layer.features["z_vox"][row]) <= 1
    assert np.array(camera_of(panel.viewer).center)[-2:] == pytest.approx(
        layer.data_to_world([layer.features[f"{a}_vox"][row] for a in "zyx"])[-2:]
    )
    layer.selected_label = int(layer.features["label"][7])
    assert panel.table.labels == [int(layer.features["label"][7])]
    layer.selected_label = 10_000  # a gap
    assert panel.table.labels == []


def test_surfaces_lie_on_the_labels(panel, image, qtbot):
    run(qtbot, panel)
    panel.table.selectRow(2)
    panel.results.show_surfaces()
    surface, layer = panel.viewer.layers["spots surfaces"], objects_layer(panel)
    number = int(layer.features["label"][2])
    places = np.argwhere(layer.data == number)
    vertices = surface.data[0]
    assert (vertices.min(axis=0) >= places.min(axis=0) - 1).all()
    assert (vertices.max(axis=0) <= places.max(axis=0) + 1).all()
    assert surface.data_to_world((0, 0, 0)) == layer.data_to_world((0, 0, 0))
    assert panel.viewer.dims.ndisplay == 3


class Blocking:
    """Holds the network until it is released, to do something meanwhile."""

    def __init__(self, stub, monkeypatch):
        self.entered, self.release = threading.Event(), threading.Event()
        self.forward = stub.network.forward
        monkeypatch.setattr(stub.network, "forward", self)

    def __call__(self, *args, **kwargs):
        self.entered.set()
        assert self.release.wait(60)
        return self.forward(*args, **kwargs)

    def wait(self, qtbot):
        qtbot.waitUntil(self.entered.is_set, timeout=TIMEOUT)


@pytest.fixture
def blocking(stub, monkeypatch):
    held = Blocking(stub, monkeypatch)
    yield held
    held.release.set()


def finish(qtbot, panel, blocking):
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        blocking.release.set()


def test_cancel_is_heard_during_suppression(panel, image, qtbot, monkeypatch):
    from anystar.geometry.nms import numba as nms

    entered, release = threading.Event(), threading.Event()
    own = nms._suppress_batch

    def slow(*arguments):
        entered.set()
        assert release.wait(60)
        own(*arguments)

    monkeypatch.setattr(nms, "_suppress_batch", slow)
    rasterised = []
    monkeypatch.setattr("anystar.predict.instances.rasterise", lambda *a, **k: rasterised.append(1))
    panel.segment()
    qtbot.waitUntil(entered.is_set, timeout=TIMEOUT)
    panel.cancel()
    with qtbot.waitSignal(panel.run.ended, timeout=TIMEOUT):
        release.set()
    assert panel.message.text() == "cancelled"
    assert not rasterised
    assert len(panel.viewer.layers) == 1


def test_cancel_leaves_no_layer(panel, image, qtbot, blocking):
    panel.segment()
    blocking.wait(qtbot)
    assert not panel.segment_button.isEnabled() or panel.segment_button.isHidden()
    panel.cancel()
    finish(qtbot, panel, blocking)
    assert [layer.name for layer in panel.viewer.layers] == ["spots"]
    assert panel.message.text() == "cancelled"
    assert panel.segment_button.isEnabled()
    run(qtbot, panel)  # and it can be done again
    assert len(panel.viewer.layers) == 2


def test_a_bug_ends_the_run_and_is_reported_by_napari(panel, image, qtbot, stub, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(stub.network, "forward", fail)
    with qtbot.capture_exceptions() as caught:
        run(qtbot, panel)
    assert [str(error) for _, error, _ in caught] == ["a bug"]
    assert panel.segment_button.isEnabled()


def test_an_image_that_is_removed_ends_its_run(panel, image, qtbot, blocking):
    panel.segment()
    blocking.wait(qtbot)
    panel.viewer.layers.remove(image)
    finish(qtbot, panel, blocking)
    assert len(panel.viewer.layers) == 0
    assert panel.message.text() == "there is no image layer; open a 3D image"


def test_the_viewer_is_closed_while_it_runs(make_panel, qtbot, blocking):
    panel = make_panel()
    panel.viewer.add_image(grey(), name="spots", **PLACE)
    panel.form.diameter.setValue(4.0)
    panel.segment()
    held = panel.run
    blocking.wait(qtbot)
    panel.viewer.close()
    assert held.cancelling
    blocking.release.set()
    qtbot.waitUntil(lambda: held.done, timeout=TIMEOUT)
    panel.run = None


def test_two_viewers_do_not_mind_each_other(make_panel, qtbot):
    panels = [make_panel(), make_panel()]
    for panel in panels:
        panel.viewer.add_image(grey(), name="spots", **PLACE)
        panel.form.diameter.setValue(4.0)
        panel.segment()
    qtbot.waitUntil(lambda: all(panel.run is None for panel in panels), timeout=TIMEOUT)
    first, second = (objects_layer(panel).data for panel in panels)
    np.testing.assert_array_equal(first, second)
    panels[0].filters.sign.setCurrentText("dark")
    assert not objects_layer(panels[0]).data.any()
    np.testing.assert_array_equal(second, segmentation_of(objects_layer(panels[1])).result.labels)


BAD = {
    "none": (None, "there is no image layer; open a 3D image"),
    "2D": (lambda v: v.add_image(np.eye(9), name="a"), "a is a 2D image; AnyStar segments 3D stacks"),
    "RGB": (lambda v: v.add_image(np.zeros((9, 9, 9, 3), np.uint8), rgb=True, name="a"), "a is an RGB image"),
    "labels": (lambda v: v.add_labels(np.zeros((9, 9, 9), int)), "there is no image layer"),
    "thin": (lambda v: v.add_image(np.zeros((3, 9, 9)), name="a"), "a has 3 x 9 x 9 voxels"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_segmented_is_named_at_the_field(panel, kind):
    add, message = BAD[kind]
    if add is not None:
        add(panel.viewer)
    assert panel.message.text().startswith(message)
    assert "\n" not in panel.message.text()
    assert not panel.segment_button.isEnabled()
    panel.segment()
    assert panel.run is None


def test_a_voxel_size_of_zero_is_named_at_the_field(panel, image):
    panel.form.voxel[0].setValue(0.0)
    assert panel.message.text().startswith("the voxel size has an edge of 0")
    assert not panel.segment_button.isEnabled()
    panel.form.voxel[0].setValue(2.0)
    assert panel.form.origin.text() == "entered, in µm"
    assert panel.segment_button.isEnabled()
    panel.form.reset.click()
    assert panel.form.origin.text() == "from the layer"
    assert panel.form.size().size.spacing == (1.0, 0.5, 0.5)


def test_an_unknown_voxel_size_is_estimated(panel, qtbot):
    panel.viewer.add_image(grey(), name="spots")
    assert panel.form.origin.text() == "not known: estimated"
    assert panel.form.diameter.suffix() == " voxels"
    panel.form.diameter.setValue(8.0)
    run(qtbot, panel)
    assert objects_layer(panel).features["volume_um3"].isna().all()


def test_a_constant_image_has_no_objects_and_says_so(panel, qtbot):
    panel.viewer.add_image(np.full((16, 20, 24), 7, np.uint8), name="spots", **PLACE)
    run(qtbot, panel)
    assert "the image is constant: there is nothing to find" in panel.message.text()
    assert not objects_layer(panel).data.any()
    panel.results.show_surfaces()
    assert panel.message.text() == "there are no objects to show"


def test_the_scale_that_changes_later_is_followed_unless_one_was_entered(panel, image):
    image.scale = (3, 1, 1)
    assert [field.value() for field in panel.form.voxel] == [3, 1, 1]
    panel.form.voxel[0].setValue(4.0)
    image.scale = (5, 1, 1)
    assert [field.value() for field in panel.form.voxel] == [4, 1, 1]
