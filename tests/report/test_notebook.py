"""A result in a notebook: self-contained HTML with the overview image, the sizes and the remarks."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import imagecodecs
import numpy as np

from anystar.arrays import Volume
from anystar.predict.notes import Note
from anystar.report.notebook import size_histogram
from tests.predict.stub import stub_model
from tests.scenes import spots

RESULT = stub_model().segment(
    Volume(data=spots([1.0, 0.95, 0.9, 0.8]), spacing=(2.0, 1.0, 1.0)), diameter=10.0, prob_thresh=0.4
)


class Tags(HTMLParser):
    """Checks that every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag != "img":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_result_is_displayed_with_its_image_and_sizes():
    text = RESULT._repr_html_()
    tags = Tags(text)
    assert tags.open == []
    images = [attributes for tag, attributes in tags.seen if tag == "img"]
    assert len(images) == 4
    for image in images:
        kind, data = image["src"].split(",")
        assert kind == "data:image/webp;base64"
        view = imagecodecs.webp_decode(base64.b64decode(data))
        assert np.ptp(view.astype(int)) > 100
    assert f"{len(RESULT.objects)} objects" in text
    assert "2 x 1 x 1 µm" in text
    assert "http" not in text, "nothing is fetched"
    bars = [float(n) for n in re.findall(r"<rect [^>]*height='([\d.]+)'", size_histogram(RESULT))]
    heights = np.array(bars) / max(bars)
    diameters = np.cbrt(6 / np.pi * 2 * RESULT.objects.volume_vox)
    counts = np.histogram(diameters, 24)[0]
    np.testing.assert_allclose(heights, counts[counts > 0] / counts.max(), atol=0.01)


def test_remarks_are_escaped():
    noted = replace(RESULT, notes=(Note("x", "<script>alert(1)</script> & more"),))
    text = noted._repr_html_()
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text
    assert "<script>alert(1)</script> & more" in repr(noted)


def test_without_objects_or_an_image_there_is_less():
    empty = stub_model().segment(Volume(data=np.zeros((8, 16, 16), np.uint8)))
    assert "<svg" not in empty._repr_html_()
    assert "constant" in empty._repr_html_()
    assert "<img" not in replace(RESULT, image=None)._repr_html_()


def test_a_box_is_displayed_as_far_as_its_labels_reach():
    part = stub_model().segment(
        Volume(data=spots([1.0, 0.95, 0.9, 0.8])), box="2:30,4:40,:", diameter=8.0, prob_thresh=0.4
    )
    assert "the box Z 2:30, Y 4:40" in part._repr_html_()
    assert part._repr_html_().count("<img") == 4


def test_a_bar_is_drawn_on_request(capsys):
    stub_model().segment(spots([1.0, 0.9]), diameter=8.0, progress=True)
    assert capsys.readouterr().out == ""
