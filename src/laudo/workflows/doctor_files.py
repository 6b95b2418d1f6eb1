"""Disk, data sets and weights that laudo finds."""

from __future__ import annotations

import os
import re
import shutil
import threading
from pathlib import Path
from typing import Any

from huggingface_hub import constants, scan_cache_dir
from huggingface_hub.errors import CacheNotFound
from safetensors import SafetensorError, safe_open

from laudo.core.cache_folder import cache_folder
from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.sources.source import Source
from laudo.sources.table import PUBLIC, SYNTHETIC, detect
from laudo.workflows.doctor_check import Check, Status

LEAST_GIB, LITTLE_GIB = 1.0, 10.0
"""Free space below which a training is likely to fail, and below which it may."""
SECONDS = 3.0
"""For counting the samples of all data sets together."""


def file_checks() -> list[Check]:
    """All of them."""
    return [_disk("cache", cache_folder()), _disk("runs", Path("runs")), *_data(), *_weights()]


def _disk(name: str, folder: Path) -> Check:
    """Whether files can be written there, and how many."""
    title = _("disk of the cache") if name == "cache" else _("disk of the runs")
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free / 2**30
    facts = {"folder": str(folder.absolute()), "free_gib": round(free, 1)}
    found = _("{free} GiB free in {folder}").format(free=f"{free:.1f}", folder=folder)
    move = (
        _("Name a folder on another disk with LAUDO_CACHE.") if name == "cache" else _("Name another disk with --out.")
    )
    if not os.access(place, os.W_OK):
        return Check(
            f"disk-{name}", title, "problem", _("{folder} can not be written").format(folder=place), move, facts
        )
    if free >= LITTLE_GIB:
        return Check(f"disk-{name}", title, "ok", found, facts=facts)
    status: Status = "problem" if free < LEAST_GIB else "warning"
    return Check(f"disk-{name}", title, status, found, _("Free some space.") + " " + move, facts)


def _data() -> list[Check]:
    """What LAUDO_DATA holds."""
    title = "LAUDO_DATA"
    named = os.environ.get("LAUDO_DATA")
    if not named:
        cure = _("Set it to the folder that holds your data sets, or name one with --data.")
        return [Check("data", title, "ok", _("not set"), cure)]
    root = Path(named)
    if not root.is_dir():
        return [
            Check("data", title, "problem", _("no such folder: {folder}").format(folder=root), _("Mend LAUDO_DATA."))
        ]
    places = [(source, root / source.folder) for source in PUBLIC if source.folder]
    found = [(source, folder) for source, folder in places if folder.is_dir()]
    alone = detect(root) if not found else None
    if alone is not None and alone in (*PUBLIC, *SYNTHETIC):
        found = [(alone, root)]
    checks = [Check("data", title, "ok", _("{folder}, data sets: {n}").format(folder=root, n=len(found)))]
    return [*checks, *_counted(found)]


def _counted(found: list[tuple[Source, Path]]) -> list[Check]:
    """Samples of each data set; those that can not be counted in time are named without."""
    counts: dict[str, int | LaudoError] = {}

    def count() -> None:
        for source, folder in found:
            try:
                counts[source.name] = len(source.list_samples(folder))
            except LaudoError as error:
                counts[source.name] = error

    worker = threading.Thread(target=count, daemon=True)  # a slow disk must not keep the doctor waiting
    worker.start()
    worker.join(SECONDS)
    return [_set(source, folder, dict(counts).get(source.name)) for source, folder in found]


def _set(source: Source, folder: Path, count: int | LaudoError | None) -> Check:
    name, facts = f"data-{source.name}", {"folder": str(folder)}
    if isinstance(count, LaudoError):
        return Check(
            name,
            source.name,
            "warning",
            count.what,
            count.cure or _("Look at it: laudo data audit {folder}").format(folder=folder),
            facts,
        )
    if count is None:
        return Check(
            name,
            source.name,
            "ok",
            _("in {folder}; not counted in {n} s").format(folder=folder, n=f"{SECONDS:.0f}"),
            facts=facts,
        )
    full = [int(number) for number in re.findall(r"\d{2,}", re.sub(r"\([^)]*\)", "", source.size))] or [0]
    complete = count >= min(full) or count in _numbers(source.size)
    told: dict[str, Any] = {**facts, "samples": count, "published": source.size, "complete": complete}
    if complete:
        return Check(name, source.name, "ok", _("{n} samples, complete").format(n=count), facts=told)
    text = _("{n} samples; the published set has {size}").format(n=count, size=source.size)
    return Check(
        name,
        source.name,
        "warning",
        text,
        _("Bring the rest, if it is needed: {where}").format(where=_(source.where)),
        told,
    )


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def _weights() -> list[Check]:
    """What LAUDO_WEIGHTS and the hub's cache hold."""
    return [_own_weights(), _hub()]


def _own_weights() -> Check:
    title = "LAUDO_WEIGHTS"
    named = os.environ.get("LAUDO_WEIGHTS")
    if not named:
        cure = _("Set it to a folder of weights, NETWORK.safetensors each, for use without internet.")
        return Check("weights", title, "ok", _("not set"), cure)
    root = Path(named)
    if not root.is_dir():
        return Check(
            "weights", title, "problem", _("no such folder: {folder}").format(folder=root), _("Mend LAUDO_WEIGHTS.")
        )
    files = sorted(root.glob("*.safetensors"))
    broken = [path.name for path in files if not _readable(path)]
    folders = sorted(path.name for path in root.iterdir() if path.is_dir() and any(path.glob("*.safetensors")))
    names = [path.stem for path in files if path.name not in broken] + folders
    facts = {"folder": str(root), "networks": names, "broken": broken}
    if broken:
        found = _("not readable: {names}").format(names=", ".join(broken))
        return Check("weights", title, "warning", found, _("Download them again."), facts)
    return Check("weights", title, "ok", ", ".join(names) or _("no weights"), facts=facts)


def _readable(path: Path) -> bool:
    """Whether the file's header fits its size; the weights are not read."""
    try:
        with safe_open(path, framework="np") as handle:
            return bool(handle.keys())
    except (OSError, SafetensorError):
        return False


def _hub() -> Check:
    title = _("cache of the hub")
    try:
        repositories = sorted(one.repo_id for one in scan_cache_dir().repos)
    except (CacheNotFound, OSError, ValueError):
        repositories = []
    facts = {"folder": constants.HF_HUB_CACHE, "repositories": repositories}
    return Check("hub", title, "ok", ", ".join(repositories[:8]) or _("empty"), facts=facts)
