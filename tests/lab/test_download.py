"""Downloads continue, are checked, and appear whole."""

import hashlib
import http.server
import io
import threading
import zipfile

import pytest

from anystar.lab.download import fetch, unpack_archive
from anystar.lab.sources import Archive

CONTENT = bytes(range(256)) * 4096


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers ranges, and drops the first connection half-way."""

    asked: list
    drops = 0

    def do_GET(self):
        start = 0
        if given := self.headers.get("Range"):
            start = int(given.removeprefix("bytes=").rstrip("-"))
        type(self).asked.append(start)
        if self.path != "/file.bin":
            return self.send_error(404, "Not Found")
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if type(self).drops:
            type(self).drops -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    Handler.asked, Handler.drops = [], 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def archive(server, **known):
    return Archive(url=f"{server}/file.bin", name="file.bin", **known)


def test_continues_where_the_connection_ended(server, tmp_path):
    Handler.drops = 2
    seen = []
    good = hashlib.sha256(CONTENT).hexdigest()
    path = fetch(
        archive(server, sha256=good, size=len(CONTENT)), tmp_path, progress=lambda *p: seen.append(p)
    )
    assert path.read_bytes() == CONTENT
    assert Handler.asked == [0, len(CONTENT) // 2, len(CONTENT) * 3 // 4]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]
    fetch(archive(server, sha256=good), tmp_path)
    assert len(Handler.asked) == 3, "what is there is not fetched again"


def test_continues_an_earlier_run(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    path = fetch(archive(server, md5=hashlib.md5(CONTENT).hexdigest()), tmp_path)
    assert path.read_bytes() == CONTENT
    assert Handler.asked == [1000]


def test_a_wrong_file_is_refused_and_removed(server, tmp_path):
    with pytest.raises(ValueError, match=r"file\.bin\.part has the md5 .*, not 00; it was removed, run this"):
        fetch(archive(server, md5="00"), tmp_path)
    with pytest.raises(ValueError, match=f"has {len(CONTENT)} bytes, not 3; it was removed"):
        fetch(archive(server, size=3), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_server_that_does_not_answer(server, tmp_path):
    with pytest.raises(ValueError, match=r"cannot be downloaded \(Not Found\); fetch it with a browser into"):
        fetch(Archive(url=f"{server}/no", name="no"), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_unpack(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("NucMM-Z/Image/readme", "a")
        packed.writestr("__MACOSX/x", "b")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    assert unpack_archive(tmp_path / "a.zip", tmp_path) == [tmp_path / "NucMM-Z"]
    (tmp_path / "a.zip").write_bytes(buffer.getvalue()[:40])
    with pytest.raises(ValueError, match="is not a whole zip archive"):
        unpack_archive(tmp_path / "a.zip", tmp_path)
