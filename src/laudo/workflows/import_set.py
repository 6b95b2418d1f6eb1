"""Import of a data set: its manifest, and beside it a record by which a second import knows that nothing has changed.

Nothing here, and nothing that it imports at its top, needs the libraries that tables or pixels need: a second import of an
unchanged set is over before they would be loaded.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import laudo
from laudo.core.atomic import write_json
from laudo.core.messages import _, current_language
from laudo.core.progress import overhear, say
from laudo.workflows.file_stamps import Stamp, stamp, stamps_below

if TYPE_CHECKING:
    from laudo.core.manifest import Manifest

RECORD = "import.json"
"""File of the record, beside the manifest."""

FORM = 1
"""Number of the record's form; another one is not read."""

WRITTEN = ("manifest.parquet", "manifest.csv")


@dataclass(frozen=True)
class Question:
    """What is asked of an import; only the same question has the same answer."""

    source: str
    data: str
    version: str
    language: str

    def as_dict(self) -> dict[str, Any]:
        """For the record."""
        return {"form": FORM, **vars(self)}


def import_data(source: str, data: Path, out: Path) -> dict[str, Any]:
    """Write manifest.parquet and manifest.csv of a data set; groups are patients, nothing is split, no pixel is decoded.

    When neither the set nor the manifest has changed since the last import, nothing is opened but the record. When some files
    have changed, only these are read again.

    Args:
        source: name of a source.
        data: the data set's folder, a folder that holds it under its name, or a table for sources that read one.
        out: folder for the manifest.

    Returns:
        ``manifest`` (path), ``source``, ``root``, ``samples``, ``classes``, ``counts`` (class → part → samples), ``folds``,
        ``patients``, ``without`` (column → samples that have none), ``notes`` (what was said), ``unchanged``.

    Raises:
        DataError: there is no such folder, or it is not laid out as the source expects; it says what is missing. Or ``out`` holds
            a table of somebody's own where the manifest would be written.
        UnknownNameError: there is no such source.
    """
    question = Question(source, os.path.abspath(data), laudo.__version__, current_language())  # noqa: PTH100 (links stay)
    out = Path(os.path.abspath(out))  # noqa: PTH100
    record = _load(out / RECORD)
    if {name: record.get(name) for name in question.as_dict()} == question.as_dict() and _unchanged(record, out):
        answer: dict[str, Any] = record["answer"]
        for note in answer["notes"]:
            say(note)
        say(_("Nothing has changed since the last import: no file was opened"))
        return {**answer, "unchanged": True}
    return {**_import(question, out, record), "unchanged": False}


def _load(path: Path) -> dict[str, Any]:
    """The record; empty when there is none, or when it is damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        parts = ("answer", "below", "beyond", "written")
        sound = isinstance(record, dict) and all(isinstance(record[name], dict) for name in parts)
        return record if sound and isinstance(record["answer"]["notes"], list) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _unchanged(record: dict[str, Any], out: Path) -> bool:
    """Whether every file of the set, its neighbours, and the manifest are as they were; no file is opened."""
    now = {name: list(stamp(str(out / name))) for name in WRITTEN}
    if now != record["written"] or _beside(record["data"], record["root"]) != record["beside"]:
        return False
    below = stamps_below(record["root"], _own(out)) if record["walked"] else {}
    if len(below) != len(record["below"]):
        return False
    # a record holds the hash behind each stamp
    return all(list(now) == record["below"].get(name, [])[:3] for name, now in below.items()) and all(
        list(stamp(path)) == known[:3] for path, known in record["beyond"].items()
    )


def _own(out: Path) -> list[str]:
    """What an import writes; it is no part of the set, should it lie within it."""
    return [str(out / name) for name in (*WRITTEN, RECORD)]


def _beside(data: str, root: str) -> list[str]:
    """Names in the folder that was named, when the set is another one inside it: a new neighbour could be the better choice."""
    try:
        return sorted(os.listdir(data)) if data != root and os.path.isdir(data) else []  # noqa: PTH112, PTH208
    except OSError:
        return []


def _import(question: Question, out: Path, record: dict[str, Any]) -> dict[str, Any]:
    """List anew; files whose stamps are as the record says keep their hashes."""
    from laudo.sources.hashes import reuse_hashes
    from laudo.sources.named_manifest import check_target, named_manifest, open_manifest
    from laudo.sources.table import find_root, get_source
    from laudo.split.groups import assign_groups

    check_target(out)
    data = Path(question.data)
    source, given = get_source(question.source), named_manifest(data)
    if given and given.parent == out and data.is_dir():  # what the last import wrote into the data set's own folder
        given = None
    root = str(given or find_root(source, data))
    walked = os.path.isdir(root)  # noqa: PTH112
    # taken before anything is read: what changes meanwhile is found changed next time
    below = stamps_below(root, _own(out)) if walked else {}
    known = _known_hashes(record, root, below)
    with overhear() as notes, reuse_hashes(known) as hashes:
        manifest = open_manifest(given) if given else assign_groups(source.list_samples(Path(root)))
    path = out / WRITTEN[0]
    manifest.save(path)
    answer = {
        "manifest": str(path),
        "source": manifest.source,
        "root": str(manifest.root),
        **_describe(manifest),
        "notes": notes,
    }
    used = {os.path.join(root, name) for name in below}  # noqa: PTH118
    beyond = [name for name in _files_of(manifest) if name not in used] + ([] if walked else [root])
    new = {
        **question.as_dict(),
        "root": root,
        "walked": walked,
        "beside": _beside(question.data, root),
        "answer": answer,
        "written": {name: list(stamp(str(out / name))) for name in WRITTEN},
        "below": {name: [*is_now, hashes.get(os.path.join(root, name), "")] for name, is_now in below.items()},  # noqa: PTH118
        "beyond": {name: [*stamp(name), hashes.get(name, "")] for name in sorted(set(beyond))},
    }
    write_json(out / RECORD, new)
    return answer


def _known_hashes(record: dict[str, Any], root: str, below: dict[str, Stamp]) -> dict[str, str]:
    """Hashes of the files whose stamps are as an earlier import of the same root saw them, by absolute path."""
    if not record or record.get("form") != FORM:
        return {}
    known = {}
    if record["root"] == root:
        for name, now in below.items():
            before = record["below"].get(name, [])
            if before[:3] == list(now) and before[3]:
                known[os.path.join(root, name)] = before[3]  # noqa: PTH118
    for path, before in record["beyond"].items():
        if before[3] and before[:3] == list(stamp(path)):
            known[path] = before[3]
    return known


def _files_of(manifest: Manifest) -> list[str]:
    """Absolute paths of the files that the samples are made of; of a member the file that it is in."""
    from laudo.read.member import split_member

    files = set()
    for index in range(len(manifest)):
        for path in (*manifest.image_paths(index), *manifest.mask_paths(index)):
            name = os.path.abspath(split_member(path)[0])  # noqa: PTH100
            if not os.path.isdir(name):  # noqa: PTH112
                files.add(name)
    return sorted(files)


def _describe(manifest: Manifest) -> dict[str, Any]:
    """Counts a class and part, and what is missing, as plain data."""
    table = manifest.table
    counts: dict[str, dict[str, int]] = {name: {} for name in manifest.classes}
    for label, part in zip(table["label"], table["split"], strict=True):
        row = counts.setdefault(str(label), {})
        row[str(part)] = row.get(str(part), 0) + 1
    folds = table["fold"][table["fold"] > 0].value_counts().sort_index()
    without = {name: int((table[name] == "").sum()) for name in ("mask", "label", "patient", "text")}
    without["file"] = int((table["sha256"] == "").sum())
    return {
        "samples": len(table),
        "classes": list(manifest.classes),
        "channels": list(manifest.channels),
        "counts": counts,
        "folds": {str(fold): int(n) for fold, n in folds.items()},
        "patients": int(table["patient"][table["patient"] != ""].nunique()),
        "without": without,
    }
