"""Jobs on data sets: make, open, audit, split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laudo.core.atomic import write_json
from laudo.core.errors import DataError, UnknownNameError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.sources.named_manifest import NAME, check_target, named_manifest, open_manifest
from laudo.sources.table import SOURCES, detect, import_manifest

if TYPE_CHECKING:
    from laudo.audit.audit import Audit
    from laudo.core.recipe import Split


def make_phantoms(kind: str, folder: Path, n: int | None, seed: int, size: int | None) -> Path:
    """Write a synthetic data set in the layout of the public set of this name.

    Args:
        kind: a key of :data:`laudo.sources.phantoms.PHANTOMS`.
        folder: new or empty.
        n: number of samples; default: the kind's own.
        seed: the same seed gives the same bytes.
        size: side in pixels or voxels; default: the kind's own.

    Raises:
        UnknownNameError: there is no such kind.
        DataError: the folder is not empty, or the kind can not be made in this number or size.
    """
    from laudo.sources.phantoms import PHANTOMS

    if kind not in PHANTOMS:
        raise UnknownNameError(
            _("There is no synthetic data of this kind."),
            found=kind,
            details=tuple(f"{name}: {_(phantom.what)}" for name, phantom in PHANTOMS.items()),
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(_("The folder is not empty."), file=folder, cure=_("Name a new folder."))
    phantom = PHANTOMS[kind]
    count = phantom.count if n is None else n
    try:
        phantom.write(folder, count, seed, phantom.size_px if size is None else size)
    except ValueError as error:  # which numbers a kind can do is its own knowledge
        raise DataError(
            _("Synthetic data of this kind can not be made with these numbers."), found=str(error)
        ) from error
    return folder


def find_samples(where: Path, source: str | None = None, label: str | None = None) -> Manifest:
    """Samples of a manifest, or of a folder or table whose layout is found out; what was found out is said.

    Args:
        where: a manifest that laudo wrote, the folder that holds it, a data set's folder, or a table.
        source: name of the source; default: the one whose layout fits.
        label: column that names the class; default: the source's own.

    Raises:
        DataError: there is nothing there, or no source knows the layout.
    """
    if not where.exists():
        raise DataError(
            _("There is no such folder."), file=where, expected=_("a folder of images, or a manifest.parquet")
        )
    given = named_manifest(where)
    manifest = open_manifest(given) if given else import_manifest(source or _detected(where), where)
    return manifest.labelled_by(label) if label else manifest


def _detected(where: Path) -> str:
    found = detect(where)
    if found is None:
        raise DataError(
            _("No data source knows the layout of this folder."),
            file=where,
            expected=_(
                "a folder a class, images and masks in two folders, a table of images, DICOM files, or a public set"
            ),
            details=tuple(f"{source.name}: {source.layout}" for source in SOURCES.values()),
            cure=_("Name the source to be told what is missing: --source NAME"),
        )
    say(_("The layout is that of the source {name}").format(name=found.name))
    return found.name


@dataclass(frozen=True)
class AuditedData:
    """An audit, and what leakage would be worth when that was asked for."""

    audit: Audit
    inflation: dict[str, Any] | None = None


def audit_data(
    where: Path,
    source: str | None = None,
    label: str | None = None,
    against: Path | None = None,
    inflation: bool = False,
    seed: int = 0,
) -> AuditedData:
    """Audit a manifest, a folder or a table.

    Args:
        where: see :func:`find_samples`.
        source: name of the source; default: the one whose layout fits.
        label: column that names the class.
        against: another data set, of whose images copies are looked for.
        inflation: train the cheap model under a random split and under the grouped one.
        seed: of that.

    Raises:
        DataError: there is nothing that can be audited.
    """
    from laudo.audit.audit import audit_manifest
    from laudo.split.groups import assign_groups

    manifest = find_samples(where, source, label)
    other = find_samples(against) if against else None
    audit = audit_manifest(manifest, unreadable="skip", against=other)
    audit = replace(audit, manifest=assign_groups(audit.manifest))
    if not inflation:
        return AuditedData(audit)
    from laudo.workflows.inflation import inflation_worth

    return AuditedData(audit, inflation_worth(audit.manifest, seed))


def write_audit(audited: AuditedData, out: Path | None, html: Path | None, language: str) -> dict[str, str]:
    """Write what was asked for: audit.json, proposals.csv and the manifest of the usable samples into ``out``, a page to ``html``.

    Returns:
        ``audit``, ``manifest``, ``proposals``, ``html`` → path, of what was written.

    Raises:
        DataError: ``out`` holds a table of somebody's own where the manifest would be written.
    """
    from laudo.audit.proposals import write_proposals

    written = {}
    if out:
        check_target(out)
        facts = audited.audit.as_dict()
        write_json(out / "audit.json", {**facts, "inflation": audited.inflation})
        audited.audit.manifest.save(out / NAME)
        write_proposals(audited.audit, out / "proposals.csv", _)
        written = {name: str(out / file) for name, file in
                   (("audit", "audit.json"), ("manifest", NAME), ("proposals", "proposals.csv"))}  # fmt: skip
    if html:
        from laudo.workflows.audit_page import write_audit_page

        write_audit_page(audited.audit, html, language, audited.inflation)
        written["html"] = str(html)
    return written


def split_data(
    where: Path, out: Path, split: Split, folds: int | None, source: str | None = None, label: str | None = None
) -> dict[str, Any]:
    """Write the manifest of a data set with its parts, or with its folds.

    Copies are looked for when the split keeps them together and no audit has found them yet.

    Args:
        where: see :func:`find_samples`.
        out: folder for manifest.parquet and manifest.csv.
        split: how; its ``folds`` is not looked at.
        folds: number of folds (column ``fold``, and ``fold_2`` … for repeats); None: parts (column ``split``).
        source: name of the source; default: the one whose layout fits.
        label: column that names the class.

    Returns:
        ``manifest`` (path), ``by``, ``seed``, ``samples``, ``groups``, ``counts`` (part or fold → class → samples).

    Raises:
        DataError: there are too few groups, or a part would lack a class; or ``out`` holds a table of somebody's own where the
            manifest would be written.
    """
    from laudo.split.groups import group_codes

    check_target(out)
    manifest = _grouped(find_samples(where, source, label), split)
    manifest = _with_folds(manifest, folds, split) if folds else _with_parts(manifest, split)
    path = out / NAME
    manifest.save(path)
    column = manifest.table["fold"] if folds else manifest.table["split"]
    counts: dict[str, dict[str, int]] = {}
    for part, name in zip(column, manifest.table["label"], strict=True):
        row = counts.setdefault(str(part), {})
        row[str(name)] = row.get(str(name), 0) + 1
    groups = len(set(group_codes(manifest, split.by).tolist()))
    return {
        "manifest": str(path),
        "by": split.by,
        "seed": split.seed,
        "samples": len(manifest),
        "groups": groups,
        "unit": "fold" if folds else "split",
        "counts": dict(sorted(counts.items())),
    }


def _grouped(manifest: Manifest, split: Split) -> Manifest:
    """The samples with the groups that the split keeps whole; looks for copies when it needs them."""
    from laudo.split.groups import assign_groups

    if split.by in ("group", "duplicates") and not (manifest.table["duplicates"] != "").any():
        from laudo.audit.audit import audit_manifest

        say(_("No audit has looked for copies yet: looking for them"))
        # a bad mask is left to the training that needs it
        audit = audit_manifest(manifest, unreadable="skip", masks_needed=False)
        if audit.skipped:
            say(_("Images left out: {n}; laudo data audit lists them").format(n=len(audit.skipped)))
        manifest = audit.manifest
    return assign_groups(manifest)


def _with_parts(manifest: Manifest, split: Split) -> Manifest:
    from laudo.split.grouped import split_parts

    return split_parts(manifest, split)


def _with_folds(manifest: Manifest, folds: int, split: Split) -> Manifest:
    from laudo.split.grouped import fold_numbers, repeat

    columns = {}
    for number in range(1, split.repeats + 1):
        again = repeat(split, number)
        name = "fold" if number == 1 else f"fold_{number}"
        columns[name] = fold_numbers(manifest, folds, again, again.seed)
    if split.by == "official" and int(columns["fold"].max()) != folds:
        raise DataError(
            _("The authors made another number of folds."), found=str(int(columns["fold"].max())), expected=str(folds)
        )
    parts = [""] * len(manifest)
    return manifest.with_columns(**columns, split=parts).with_seed(split.seed)
