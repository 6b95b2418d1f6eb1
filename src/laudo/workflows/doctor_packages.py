"""Python, the packages that laudo needs, its extras, and the drivers of data bases."""

from __future__ import annotations

import platform
import sqlite3
import sys
from importlib import metadata

from packaging.requirements import Requirement

import laudo
from laudo.core.messages import _, current_language
from laudo.workflows.doctor_check import Check

EXTRAS: dict[str, tuple[str, ...]] = {
    "clip": ("open_clip_torch", "transformers"),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "pdf": ("weasyprint",),
    "postgres": ("psycopg",),
}
"""Packages of each extra for users; a test holds it to pyproject.toml."""

TAMPERED = {"lightning": ("2.6.2", "2.6.3")}
"""Versions that were published with malicious code."""
OLDEST_PYTHON = (3, 11)


def package_checks() -> list[Check]:
    """All of them."""
    return [_python(), _required(), *[_extra(name) for name in EXTRAS], _databases(), _language()]


def _python() -> Check:
    found = f"laudo {laudo.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Check("python", "Python", "ok", found)
    cure = _("Install Python {version} or newer.").format(version=".".join(map(str, OLDEST_PYTHON)))
    return Check("python", "Python", "problem", found, cure)


def _required() -> Check:
    """Packages without which laudo does not work, in versions that it knows."""
    title = _("packages")
    wanted = _requirements()
    versions = {one.name: _version(one.name) for one in wanted}
    wrong = [
        f"{one.name} {versions[one.name] or '–'} ({one.specifier})"
        for one in wanted
        if versions[one.name] is None or not one.specifier.contains(str(versions[one.name]), prereleases=True)
    ]
    bad = [f"{name} {_version(name)}" for name, versions_ in TAMPERED.items() if _version(name) in versions_]
    facts = {"packages": versions}
    if bad:
        cure = _("Remove it at once: pip install --upgrade {names}").format(names=" ".join(TAMPERED))
        return Check(
            "packages", title, "problem", _("a malicious version: {names}").format(names=", ".join(bad)), cure, facts
        )
    if wrong:
        return Check("packages", title, "problem", ", ".join(wrong), "pip install --upgrade laudo", facts)
    shown = ("torch", "lightning", "monai", "timm", "numpy", "scikit-learn")
    found = ", ".join(f"{name} {versions.get(name) or _version(name)}" for name in shown)
    return Check("packages", title, "ok", found, facts=facts)


def _requirements() -> list[Requirement]:
    """Of the installed laudo, without extras; none when it runs from its sources only."""
    try:
        lines = metadata.requires("laudo") or []
    except metadata.PackageNotFoundError:
        return []
    found = [Requirement(line) for line in lines]
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]


def _extra(name: str) -> Check:
    versions = {package: _version(package) for package in EXTRAS[name]}
    missing = [package for package, version in versions.items() if version is None]
    title = f"laudo[{name}]"
    facts = {"packages": versions}
    if missing:
        found = _("not installed: {names}").format(names=", ".join(missing))
        return Check(f"extra-{name}", title, "ok", found, f"pip install 'laudo[{name}]'", facts)
    return Check(f"extra-{name}", title, "ok", ", ".join(f"{p} {v}" for p, v in versions.items()), facts=facts)


def _databases() -> Check:
    """SQLite with its full-text search, and the driver of PostgreSQL."""
    title = _("data bases")
    driver = _version("psycopg")
    facts = {"sqlite": sqlite3.sqlite_version, "fts5": has_fts5(), "psycopg": driver}
    found = f"SQLite {sqlite3.sqlite_version}, PostgreSQL: {f'psycopg {driver}' if driver else '–'}"
    if not facts["fts5"]:
        cure = _("Use a Python whose SQLite has FTS5, or a PostgreSQL data base, for `laudo catalog search`.")
        return Check("databases", title, "warning", found + ", –FTS5", cure, facts)
    return Check("databases", title, "ok", found, facts=facts)


def has_fts5() -> bool:
    """Whether SQLite can search texts."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("create virtual table texts using fts5(word)")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def _language() -> Check:
    return Check("language", _("language"), "ok", current_language())


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
