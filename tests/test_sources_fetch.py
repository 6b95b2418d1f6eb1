"""Fetching from a server on loopback: whole, cut and resumed, without ranges, wrong, missing, and archives that are unsafe."""

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from laudo.core.errors import DataError
from laudo.core.progress import overhear
from laudo.sources import download as downloading
from laudo.sources.download import download
from laudo.sources.fetch import RECORD, fetch
from laudo.sources.folders import SOURCE
from laudo.sources.source import Download
from laudo.sources.unpack import unpack

CONTENT = bytes(range(256)) * 4096
"""One MiB."""


@dataclass
class Plan:
    """How the server behaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etag: str = '"one"'
    cuts: list[int] = field(default_factory=list)  # bytes after which each of the next answers breaks off
    codes: list[int] = field(default_factory=list)  # answers before the file comes
    lie: int = 0  # bytes that the length says more than there are
    asked: list[dict[str, str]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        plan = self.server.plan
        plan.asked.append(dict(self.headers))
        if plan.codes:
            return self.send_error(plan.codes.pop(0))
        content = plan.files.get(self.path)
        if content is None:
            return self.send_error(404)
        start, wanted = 0, self.headers.get("Range")
        valid = self.headers.get("If-Range") in (None, plan.etag)
        if plan.ranges and wanted and valid:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if plan.etag:
            self.send_header("ETag", plan.etag)
        self.send_header("Content-Length", str(len(content) - start + plan.lie))
        self.end_headers()
        body = content[start:]
        if plan.cuts:
            body = body[: plan.cuts.pop(0)]
        self.wfile.write(body)
        self.close_connection = True
        return None

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    one = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.plan = Plan()
    thread = threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield one
    one.shutdown()
    one.server_close()


def url(server, path: str) -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def item(server, content: bytes, name: str = "a.bin", kind: str = "md5") -> Download:
    server.plan.files[f"/{name}"] = content
    checksum = f"{kind}:{hashlib.new(kind, content).hexdigest()}" if kind else ""
    return Download(url(server, f"/{name}"), name, checksum)


def source_of(*downloads: Download):
    return replace(SOURCE, name="made", downloads=downloads)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def left_over(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


# one file ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["md5", "sha256", ""])
def test_a_whole_file_comes_and_is_recorded(server, tmp_path, kind):
    one = item(server, CONTENT, kind=kind)
    record = fetch(source_of(one), tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert json.loads((tmp_path / RECORD).read_text()) == record
    (entry,) = record["files"]
    assert entry["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert (entry["size"], entry["url"], entry["content"]) == (len(CONTENT), one.url, [])
    assert left_over(tmp_path) == []
    assert server.plan.asked[0]["User-Agent"].startswith("laudo/")


def test_a_second_fetch_asks_nothing_and_a_damaged_file_is_fetched_again(server, tmp_path):
    one = source_of(item(server, CONTENT))
    before = fetch(one, tmp_path)
    assert fetch(one, tmp_path) == before
    assert len(server.plan.asked) == 1
    (tmp_path / "a.bin").write_bytes(CONTENT[:-1] + b"x")
    fetch(one, tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert len(server.plan.asked) == 2


def test_a_cut_connection_is_continued_where_it_broke(server, tmp_path):
    server.plan.cuts = [300_000, 400_000]
    download(item(server, CONTENT), tmp_path, waits_s=(0, 0))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [asked.get("Range") for asked in server.plan.asked] == [None, "bytes=300000-", "bytes=700000-"]
    assert server.plan.asked[1]["If-Range"] == '"one"'


def test_tries_are_counted_anew_after_every_progress(server, tmp_path):
    server.plan.cuts = [1000] * 12
    download(item(server, CONTENT), tmp_path, waits_s=(0,))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_command_that_was_stopped_is_continued_by_the_next(server, tmp_path):
    one = item(server, CONTENT)
    server.plan.cuts = [500_000]
    with pytest.raises(DataError) as caught:
        download(one, tmp_path, waits_s=())
    assert "500000" in caught.value.found
    assert not (tmp_path / "a.bin").exists()
    download(one, tmp_path, waits_s=())
    assert server.plan.asked[-1]["Range"] == "bytes=500000-"
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert left_over(tmp_path) == []


def test_a_server_without_ranges_sends_it_again(server, tmp_path):
    server.plan.ranges, server.plan.cuts = False, [300_000]
    with overhear() as said:
        download(item(server, CONTENT), tmp_path, waits_s=(0,))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert any("whole file again" in line for line in said)


def test_a_file_that_has_changed_meanwhile_is_not_patched_together(server, tmp_path):
    one = item(server, CONTENT, kind="")
    server.plan.cuts = [300_000]
    with pytest.raises(DataError):
        download(one, tmp_path, waits_s=())
    server.plan.files["/a.bin"], server.plan.etag = CONTENT[::-1], '"two"'
    download(one, tmp_path, waits_s=())
    assert (tmp_path / "a.bin").read_bytes() == CONTENT[::-1]


def test_a_part_that_belongs_to_another_file_is_found_by_the_checksum(server, tmp_path):
    one = item(server, CONTENT)
    server.plan.cuts = [300_000]
    with pytest.raises(DataError):
        download(one, tmp_path, waits_s=())
    (tmp_path / ".a.bin.part").write_bytes(b"x" * 300_000)
    download(one, tmp_path, waits_s=())
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_without_a_word_of_the_server_and_without_a_checksum_nothing_is_continued(server, tmp_path):
    one = item(server, CONTENT, kind="")
    server.plan.etag, server.plan.cuts = "", [300_000]
    download(one, tmp_path, waits_s=(0,))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [asked.get("Range") for asked in server.plan.asked] == [None, None]


def test_a_part_that_was_whole_already_is_taken(server, tmp_path):
    one = item(server, CONTENT)
    server.plan.cuts = [len(CONTENT) - 10]
    with pytest.raises(DataError):
        download(one, tmp_path, waits_s=())
    (tmp_path / ".a.bin.part").write_bytes(CONTENT)
    download(one, tmp_path, waits_s=())
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing(server, tmp_path):
    one = replace(item(server, CONTENT), checksum="md5:" + "0" * 32)
    with pytest.raises(DataError) as caught:
        fetch(source_of(one), tmp_path)
    assert caught.value.found == f"md5:{hashlib.md5(CONTENT).hexdigest()}"
    assert caught.value.file == one.url
    assert list(tmp_path.iterdir()) == []


def test_what_a_server_refuses_for_good_is_an_error_at_once(server, tmp_path):
    with pytest.raises(DataError) as caught:
        download(Download(url(server, "/none"), "none.bin"), tmp_path)
    assert caught.value.found.startswith("404")
    assert len(server.plan.asked) == 1


def test_what_a_server_refuses_for_now_is_asked_again(server, tmp_path):
    server.plan.codes = [503, 429]
    download(item(server, CONTENT), tmp_path, waits_s=(0, 0))
    assert len(server.plan.asked) == 3
    server.plan.codes = [503, 503]
    with pytest.raises(DataError) as caught:
        download(item(server, CONTENT, "b.bin"), tmp_path, waits_s=(0,))
    assert "503" in caught.value.found


def test_a_file_shorter_than_announced_is_never_taken_for_whole(server, tmp_path):
    server.plan.lie = 5
    with pytest.raises(DataError):
        download(item(server, CONTENT, kind=""), tmp_path, waits_s=(0,))
    assert not (tmp_path / "a.bin").exists()


def test_a_server_that_is_not_there(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(DataError) as caught:
        download(Download(url(server, "/a"), "a"), tmp_path, waits_s=(0,))
    assert "refused" in caught.value.found


def test_a_disk_that_is_too_small(server, tmp_path, monkeypatch):
    usage = downloading.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(downloading.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(DataError) as caught:
        download(item(server, CONTENT), tmp_path)
    assert "1 MiB" in caught.value.expected


@pytest.mark.parametrize("name", ["../a", "a/b", ".hidden", "/etc/a", ""])
def test_the_name_of_a_download_is_a_plain_one(tmp_path, name):
    with pytest.raises(DataError):
        download(Download("https://example.org/a", name), tmp_path)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://example.org/a"])
def test_only_web_addresses_are_fetched(tmp_path, address):
    with pytest.raises(DataError) as caught:
        download(Download(address, "a"), tmp_path)
    assert caught.value.found == address


def test_a_source_that_wants_an_account_says_where_to_go(tmp_path):
    with pytest.raises(DataError) as caught:
        fetch(replace(SOURCE, downloads=(), where="kaggle.com/x"), tmp_path / "new")
    assert "kaggle.com/x" in caught.value.cure
    assert not (tmp_path / "new").exists()


# archives ----------------------------------------------------------------------------------------------------


def test_archives_are_unpacked_and_recorded_and_made_good_when_something_is_gone(server, tmp_path):
    inner = zipped({"1.mat": b"one", "2.mat": b"two"})
    outer = zipped({"part_1.zip": inner, "README.txt": b"read", "__MACOSX/._x": b"no", "deep/x.png": b"x"})
    one = source_of(item(server, outer, "set.zip"), item(server, b"plain", "labels.csv"))
    record = fetch(one, tmp_path)
    assert [entry["content"] for entry in record["files"]] == [["1.mat", "2.mat", "README.txt", "deep"], []]
    assert (tmp_path / "2.mat").read_bytes() == b"two"
    assert (tmp_path / "deep" / "x.png").read_bytes() == b"x"
    assert not (tmp_path / "__MACOSX").exists()
    assert left_over(tmp_path) == []
    (tmp_path / "2.mat").unlink()
    fetch(one, tmp_path)
    assert (tmp_path / "2.mat").read_bytes() == b"two"
    assert len(server.plan.asked) == 2  # unpacked again, not fetched again


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_in_all_compressions(tmp_path, mode):
    archive = tmp_path / {"w": "a.tar", "w:gz": "a.tgz", "w:bz2": "a.tar.bz2", "w:xz": "a.tar.xz"}[mode]
    (tmp_path / "x.nii.gz").write_bytes(b"\x1f\x8b no archive")
    with tarfile.open(archive, mode) as packed:
        packed.add(tmp_path / "x.nii.gz", "Task04/imagesTr/x.nii.gz")
    assert unpack(archive, tmp_path / "out") == ["Task04"]
    assert (tmp_path / "out" / "Task04" / "imagesTr" / "x.nii.gz").read_bytes() == b"\x1f\x8b no archive"


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_with_link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.create_system, entry.external_attr = 3, 0o120777 << 16
        archive.writestr(entry, "/etc")
    return buffer.getvalue()


def encrypted() -> bytes:
    """What an archive with a password says of itself."""
    content = bytearray(zipped({"a": b"secret"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


UNSAFE = {
    "encrypted": ("a.zip", encrypted),
    "climbs": ("a.zip", lambda: zipped({"ok.txt": b"x", "../evil.txt": b"x"})),
    "climbs deep": ("a.zip", lambda: zipped({"a/b/../../../evil.txt": b"x"})),
    "absolute": ("a.zip", lambda: zipped({"/evil.txt": b"x"})),
    "backslash": ("a.zip", lambda: zipped({"..\\evil.txt": b"x"})),
    "drive": ("a.zip", lambda: zipped({"C:/evil.txt": b"x"})),
    "zip link": ("a.zip", zip_with_link),
    "climbs in tar": (
        "a.tar.gz",
        lambda: tarred((tarfile.TarInfo("ok"), b"x"), (tarfile.TarInfo("../evil.txt"), b"x")),
    ),
    "absolute in tar": ("a.tar.gz", lambda: tarred((tarfile.TarInfo("/evil.txt"), b"x"))),
    "symbolic link": ("a.tar.gz", lambda: tarred((link("l", "/etc", tarfile.SYMTYPE), b""))),
    "hard link": ("a.tar.gz", lambda: tarred((link("l", "/etc/passwd", tarfile.LNKTYPE), b""))),
    "device": ("a.tar.gz", lambda: tarred((link("d", "", tarfile.CHRTYPE), b""))),
    "fifo": ("a.tar.gz", lambda: tarred((link("f", "", tarfile.FIFOTYPE), b""))),
    "same name twice": ("a.tar.gz", lambda: tarred((tarfile.TarInfo("a"), b"1"), (tarfile.TarInfo("a"), b"2"))),
    "inner archive climbs": ("a.zip", lambda: zipped({"b.zip": zipped({"../../evil.txt": b"x"})})),
    "too deep": ("a.zip", lambda: zipped({"b.zip": zipped({"c.zip": zipped({"d.zip": zipped({"e": b"x"})})})})),
    "bomb": ("a.zip", lambda: zipped({"zeros": bytes(90 << 20)})),
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_an_unsafe_archive_leaves_nothing_behind(tmp_path, kind):
    name, make = UNSAFE[kind]
    folder = tmp_path / "a" / "out"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    (tmp_path / name).write_bytes(make())
    with pytest.raises(DataError) as caught:
        unpack(tmp_path / name, folder)
    assert "not safe" in caught.value.what
    assert [path.name for path in folder.rglob("*")] == ["mine.txt"]
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar"])
@pytest.mark.parametrize("how", ["cut", "garbage", "changed", "empty"])
def test_a_damaged_archive_is_one_error(tmp_path, name, how):
    content = zipped({"a": CONTENT, "b": CONTENT[::-1]}) if name == "a.zip" else tarred((tarfile.TarInfo("a"), CONTENT))
    if name == "a.tar":
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo("a")
            info.size = len(CONTENT)
            archive.addfile(info, io.BytesIO(CONTENT))
        content = buffer.getvalue()
    place = len(content) // 16
    turned = bytes(byte ^ 0xFF for byte in content[place : place + 40])
    changed = {
        "cut": content[: 8 * place],
        "garbage": b"no archive at all" * 40,
        "changed": content[:place] + turned + content[place + 40 :],
        "empty": b"",
    }[how]
    (tmp_path / name).write_bytes(changed)
    if name == "a.tar" and how == "changed":
        pytest.skip("a tar without compression has no checksum of its content")
    with pytest.raises(DataError) as caught:
        unpack(tmp_path / name, tmp_path / "out")
    assert caught.value.file == str(tmp_path / name)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_killed_try_has_left_is_swept(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"a": b"a"}))
    (tmp_path / ".a.zip.abc.tmp" / "deep").mkdir(parents=True)
    assert unpack(tmp_path / "a.zip", tmp_path) == ["a"]
    assert left_over(tmp_path) == []


def test_unpacking_goes_into_folders_that_are_there_and_replaces_files(tmp_path):
    (tmp_path / "out" / "images").mkdir(parents=True)
    (tmp_path / "out" / "images" / "old.png").write_bytes(b"old")
    (tmp_path / "out" / "images" / "a.png").write_bytes(b"before")
    (tmp_path / "a.zip").write_bytes(zipped({"images/a.png": b"after", "images/b.png": b"b"}))
    unpack(tmp_path / "a.zip", tmp_path / "out")
    found = {path.name: path.read_bytes() for path in (tmp_path / "out" / "images").iterdir()}
    assert found == {"old.png": b"old", "a.png": b"after", "b.png": b"b"}
