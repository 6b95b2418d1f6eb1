"""Archives of public data sets, unpacked so that nothing leaves the folder, nothing is a link and nothing fills the disk."""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.progress import Advance, step

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Endings of what is unpacked, lower case. A lone .gz is a compressed image and stays."""

MOST_ENTRIES = 1_000_000
"""More files than any public set of images has."""

MOST_EXPANSION = 200
"""How many times larger than the archive its content may be; scans and masks compress at most about a hundredfold."""

DEPTH = 2
"""How deep archives within archives are unpacked (figshare wraps its parts into one)."""

MIB = 1 << 20


@dataclass
class Budget:
    """Bytes that may still be written."""

    left: int

    def spend(self, count: int, archive: Path) -> None:
        """Raise DataError when the bytes are more than is left."""
        self.left -= count
        if self.left < 0:
            raise _refused(archive, _("its content is far larger than the archive, or than the disk"))


def is_archive(name: str) -> bool:
    """Whether the name ends like an archive that is unpacked."""
    return name.lower().endswith(ARCHIVES)


def unpack(archive: Path, folder: Path) -> list[str]:
    """Unpack an archive, and archives within it, into a folder; the files appear when all of them have been unpacked.

    Absolute names, names with ``..``, links, devices and encrypted files are refused. An archive within the archive is
    replaced by its content. Files of the same name are replaced.

    Returns:
        Names of what now lies in the folder, its topmost level, sorted.

    Raises:
        DataError: the archive is damaged or unsafe, or the disk is too small; the folder is as it was before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    budget = Budget(max(0, min(free - 64 * MIB, archive.stat().st_size * MOST_EXPANSION + 64 * MIB)))
    for left in folder.glob(f".{archive.name}.*.tmp"):  # of an earlier try that was killed
        shutil.rmtree(left, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{archive.name}.", suffix=".tmp", dir=folder))
    try:
        with step(_("Unpacking {name}").format(name=archive.name)) as advance:
            _extract(archive, temporary, budget, advance)
            _extract_inner(temporary, budget, advance, DEPTH)
        names = sorted(path.name for path in temporary.iterdir())
        _move(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return names


def _extract_inner(folder: Path, budget: Budget, advance: Advance, depth: int) -> None:
    """Replace the archives below a folder by what they hold, each where it lies."""
    inner = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_archive(path.name)]
    if not inner:
        return
    if depth == 0:
        raise _refused(inner[0], _("archives within archives within archives"))
    for path in inner:
        # an archive may hold a file of its own name
        outer = path.rename(path.with_name(f".outer.{path.name}"))
        _extract(outer, path.parent, budget, advance)
        outer.unlink()
    _extract_inner(folder, budget, advance, depth - 1)


def _extract(archive: Path, folder: Path, budget: Budget, advance: Advance) -> None:
    try:
        for name, content in _members(archive):
            target = folder.joinpath(*PurePosixPath(name).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as handle:  # a name that comes twice is an error
                while block := content.read(MIB):
                    budget.spend(len(block), archive)
                    handle.write(block)
            advance()
    except DataError:
        raise
    except FileExistsError as error:
        raise _refused(archive, _("two files of the same name")) from error
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        raise DataError(
            _("The archive can not be unpacked."),
            file=archive,
            found=f"{type(error).__name__}: {error}",
            cure=_("Delete it and fetch it again."),
        ) from error
    except RuntimeError as error:  # zipfile's word for encryption and for compressions that it does not know
        raise _refused(archive, str(error)) from error


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Safe name and content of every file of an archive; checked before anything of it is read."""
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as packed:
            entries = packed.infolist()
            _check_count(len(entries), archive)
            for entry in entries:
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _refused(archive, _("{name} is a link or a device").format(name=entry.filename))
                name = safe_name(entry.filename, archive)
                if not entry.is_dir() and _wanted(name):
                    with packed.open(entry) as content:
                        yield name, content
        return
    with tarfile.open(archive, "r:*") as packed_tar:
        for count, member in enumerate(packed_tar, start=1):
            _check_count(count, archive)
            if not (member.isfile() or member.isdir()):
                raise _refused(archive, _("{name} is a link or a device").format(name=member.name))
            name = safe_name(member.name, archive)
            content_of = packed_tar.extractfile(member) if member.isfile() and _wanted(name) else None
            if content_of is not None:
                with content_of:
                    yield name, content_of
        _check_end(packed_tar)


def _check_end(packed: tarfile.TarFile) -> None:
    """A tar that was cut, or whose headers are damaged, ends early without a word: ask for its end mark and the checksum.

    Raises:
        tarfile.TarError: the archive does not end as it should.
    """
    stream = packed.fileobj
    stream.seek(packed.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("no end mark")
    while stream.read(MIB):  # the compression's own checksum stands at the very end
        pass


def safe_name(name: str, archive: Path) -> str:
    """The name of an entry when it stays below the folder it is unpacked into.

    Raises:
        DataError: it is absolute, climbs up, or names a drive.
    """
    parts = PurePosixPath(name).parts
    bad = name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or any(":" in part for part in parts)
    if bad or len(name) > 4096:
        raise _refused(archive, _("{name} leads out of the folder").format(name=ascii(name[:200])))
    return name


def _wanted(name: str) -> bool:
    """What macOS adds to archives is no part of the data."""
    parts = PurePosixPath(name).parts
    return bool(parts) and parts[0] != "__MACOSX" and not parts[-1].startswith("._") and parts[-1] != ".DS_Store"


def _check_count(count: int, archive: Path) -> None:
    if count > MOST_ENTRIES:
        raise _refused(archive, _("more than {n} files").format(n=MOST_ENTRIES))


def _refused(archive: Path, why: str) -> DataError:
    return DataError(
        _("The archive is not safe to unpack."),
        file=archive,
        found=why,
        cure=_("Ask its publisher; nothing of it was kept."),
    )


def _move(source: Path, folder: Path) -> None:
    """Move what stands in one folder into another on the same disk; whole folders where there is none of the name yet."""
    for path in sorted(source.iterdir()):
        target = folder / path.name
        if target.is_symlink():
            target.unlink()
        if path.is_dir() and target.is_dir():
            _move(path, target)
        else:
            path.replace(target)
