"""Which device a worker of a cluster takes."""

from anystar.blocks import detectors


def test_workers_take_turns_on_several_gpus(monkeypatch):
    assert detectors.own_device("cpu") == "cpu"
    monkeypatch.setattr(detectors.torch.cuda, "device_count", lambda: 1)
    assert detectors.own_device("auto") == "auto"
    monkeypatch.setattr(detectors.torch.cuda, "device_count", lambda: 2)
    seen = []
    for number in range(4):
        monkeypatch.setattr(detectors, "_worker_number", lambda number=number: number)
        seen.append(detectors.own_device("auto"))
    assert seen == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
