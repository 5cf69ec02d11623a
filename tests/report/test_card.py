"""A card as text."""

from anystar.report.card import card_text

CARD = {
    "recipes": ["wide", "wide", "as-mix"],
    "iterations": 180_000,
    "samples": 360_000,
    "device": "NVIDIA H200",
    "minutes": 26.5,
    "commit": "0123456789ab",
    "licence": "MIT",
    "limits": "hollow objects",
    "accuracy": {"plain": 0.9, "by recipe": {"wide": [0.5, 0.75]}},
    "from": {"model": "mild-small", "samples": 13_320, "recipes": ["mild"], "minutes": 73.1},
    "history": [
        {"recipes": ["mild"], "batch_size": 2, "first": 0, "last": 1000},
        {"volumes": ["a.tif"], "recipes": [], "batch_size": 1, "first": 1000, "last": 1500},
    ],
}


def test_a_card_says_all_that_is_known():
    text = card_text("ours", CARD, parameters=16_600_000, size=33_200_000)
    for part in (
        "recipe            2 x wide, as-mix",
        "iterations        180,000",
        "samples           360,000",
        "device            NVIDIA H200",
        "minutes           26.5",
        "commit            0123456789ab",
        "16.6 million parameters",
        "size              33.2 MB",
        "licence           MIT",
        "initialised from  mild-small (13,320 samples of mild)",
        "in all            373,320 samples, 100 minutes",
        "steps 0 to 1,000: mild, batches of 2",
        "steps 1,000 to 1,500: a.tif, batches of 1",
        "accuracy          plain  0.90",
        "wide  0.50  0.75",
        "bad at            hollow objects",
    ):
        assert part in text, text
    assert max(map(len, text.splitlines())) <= 100
