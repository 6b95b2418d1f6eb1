"""One file brought over http: resumed after a cut, checked against its publisher's checksum, never half there."""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import laudo
from laudo.core.atomic import write_json
from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.progress import Advance, say, step
from laudo.sources.source import Download
from laudo.sources.unpack import MIB, is_archive

WAITS_S: tuple[float, ...] = (1, 3, 10, 30)
"""Pauses before the next try, in seconds; the count begins anew whenever a try brought something."""

TIMEOUT_S = 60.0
"""How long a silent server is waited for."""

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers of a server that may be better next time."""


DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG, errno.EIO})
"""What is wrong with this machine, not with the connection."""


class CutError(Exception):
    """A try ended early; another may bring the rest."""


@dataclass(frozen=True)
class Partial:
    """A file under way: its bytes so far, and what the server said of the whole when they came."""

    path: Path

    @property
    def facts_path(self) -> Path:
        """Where the server's words are kept."""
        return self.path.with_suffix(".part.json")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def facts(self) -> dict[str, Any]:
        """URL, validator and size of the whole; empty when unknown."""
        try:
            facts = json.loads(self.facts_path.read_text(encoding="utf-8"))
            return facts if isinstance(facts, dict) else {}
        except (OSError, ValueError):
            return {}

    def remove(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)
        self.facts_path.unlink(missing_ok=True)


def agrees(path: Path, checksum: str) -> bool:
    """Whether a file has the checksum (``md5:…``, ``sha256:…``) that its publisher states; never without one."""
    kind, _colon, value = checksum.partition(":")
    if kind not in ("md5", "sha256"):
        return False
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, kind).hexdigest() == value.lower()


def download(item: Download, folder: Path, waits_s: Sequence[float] = WAITS_S) -> Path:
    """Bring one file; a part that an earlier try has left is continued where the server allows it.

    Raises:
        DataError: the server refuses or can not be reached, the disk is too small, or the checksum is wrong.
    """
    if not item.name or Path(item.name).name != item.name or item.name.startswith("."):
        raise DataError(_("The name of a download is not a plain file name."), found=item.name)
    if not item.url.startswith(("https://", "http://")):
        raise DataError(_("Only https and http addresses are fetched."), found=item.url)
    folder.mkdir(parents=True, exist_ok=True)
    part = Partial(folder / f".{item.name}.part")
    resumed = part.size > 0
    _complete(item, part, waits_s)
    if item.checksum and not agrees(part.path, item.checksum) and resumed:
        say(_("{name}: the part of an earlier try does not belong to this file; fetched anew").format(name=item.name))
        part.remove()
        _complete(item, part, waits_s)
    if item.checksum and not agrees(part.path, item.checksum):
        kind = item.checksum.partition(":")[0]
        with part.path.open("rb") as handle:
            found = f"{kind}:{hashlib.file_digest(handle, kind).hexdigest()}"
        part.remove()
        raise DataError(
            _("The file that came is not the one that its publisher describes: the checksum differs."),
            file=item.url,
            expected=item.checksum,
            found=found,
            cure=_("Fetch again; if it stays so, the publisher has changed the file. Nothing of it was kept."),
        )
    part.path.replace(folder / item.name)
    part.remove()
    return folder / item.name


def _complete(item: Download, part: Partial, waits_s: Sequence[float]) -> None:
    """Try until the partial file is whole, or the pauses are used up."""
    tries = 0
    with step(_("Fetching {name} (MiB)").format(name=item.name), _size_mib(part)) as advance:
        advance(part.size // MIB)
        while True:
            before = part.size
            try:
                _attempt(item, part, advance)
            except CutError as error:
                tries = 0 if part.size > before else tries
                if tries >= len(waits_s):
                    raise DataError(
                        _("The file could not be fetched."),
                        file=item.url,
                        found=str(error),
                        cure=_("Run the command again: it goes on where it was cut ({n} MiB are there).").format(
                            n=part.size // MIB
                        ),
                    ) from error
                say(_("{name}: {what}; next try in {seconds} s").format(
                    name=item.name, what=error, seconds=waits_s[tries]))  # fmt: skip
                time.sleep(waits_s[tries])
                tries += 1
            else:
                return


def _size_mib(part: Partial) -> int | None:
    size = part.facts().get("size")
    return -(-size // MIB) if isinstance(size, int) else None


def _attempt(item: Download, part: Partial, advance: Advance) -> None:
    """One request; afterwards the partial file is whole.

    Raises:
        CutError: it is not, but may be next time.
        DataError: it never will be.
    """
    facts = part.facts()
    validator = facts.get("validator")
    # without a word of the server on what it sends, only a checksum can tell whether two parts belong together
    start = part.size if facts.get("url") == item.url and (validator or item.checksum) else 0
    request = urllib.request.Request(item.url, headers={"User-Agent": f"laudo/{laudo.__version__}"})  # noqa: S310 (checked)
    if start:
        request.add_header("Range", f"bytes={start}-")
        if validator:
            request.add_header("If-Range", str(validator))
    try:
        with _opener().open(request, timeout=TIMEOUT_S) as answer:
            _receive(answer, item, part, start, advance)
    except urllib.error.HTTPError as error:
        if error.code == 416 and start and start == facts.get("size"):
            return
        if error.code == 416:
            part.remove()
            raise CutError(_("the server has no more of it")) from error
        if error.code in PASSING:
            raise CutError(f"{error.code} {error.reason}") from error
        raise DataError(
            _("The server refuses the file."),
            file=item.url,
            found=f"{error.code} {error.reason}",
            cure=_("Look whether the data set has moved: its page says where."),
        ) from error
    except (
        OSError,
        http.client.HTTPException,
    ) as error:  # URLError, TimeoutError, ConnectionError and SSLError are OSErrors
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            raise DataError(_("The file can not be written."), file=part.path, found=str(error)) from error
        raise CutError(str(getattr(error, "reason", "")) or str(error) or type(error).__name__) from error


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https, through the system's proxy; no files, no ftp, also not by a redirect."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _receive(answer: Any, item: Download, part: Partial, start: int, advance: Advance) -> None:
    """Write what a server sends behind what is there, or anew when it sends the whole."""
    total: int | None
    if answer.status == 206:
        sent = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", "").strip())
        if not sent or int(sent[1]) != start:
            part.remove()
            raise CutError(_("the server sent another part than was asked for"))
        total = None if sent[2] == "*" else int(sent[2])
    else:
        if start:
            say(_("{name}: the server sends the whole file again").format(name=item.name))
        start = 0
        length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        etag = answer.headers.get("ETag", "")
        validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified")  # a weak tag proves nothing
        part.path.unlink(missing_ok=True)
        write_json(part.facts_path, {"url": item.url, "validator": validator, "size": total})
    _check_disk(part.path, item, (total or 0) - start)
    written, shown = start, start // MIB
    with part.path.open("ab") as handle:
        while block := answer.read(MIB):
            handle.write(block)
            written += len(block)
            advance(written // MIB - shown, f"{written // MIB} / {'?' if total is None else -(-total // MIB)}")
            shown = written // MIB
    if total is not None and written != total:
        if written > total:
            part.remove()
        raise CutError(_("the connection was cut at {n} of {total} bytes").format(n=written, total=total))


def _check_disk(path: Path, item: Download, needed: int) -> None:
    """An archive needs room for its content too: at least as much again."""
    needed = needed * 2 if is_archive(item.name) else needed
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise DataError(
            _("The disk is too small."),
            file=path.parent,
            expected=_("{n} MiB free").format(n=-(-needed // MIB)),
            found=_("{n} MiB free").format(n=free // MIB),
            cure=_("Make room, or name a folder on another disk."),
        )
