"""The list of references: BibTeX of what a text cites, read back so that a person can read it too."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from laudo.core.atomic import write_text
from laudo.core.run import Run
from laudo.report.citations import BIBTEX, KEY, cited
from laudo.report.context import gather
from laudo.report.methods import methods_text
from laudo.report.voice import Voice

ACCENTS = {"'": "\u0301", '"': "\u0308", "`": "\u0300", "~": "\u0303", "^": "\u0302", "c": "\u0327"}
"""Accents of LaTeX → Unicode's combining ones."""

ENTRY = re.compile(r"@(?P<kind>\w+)\{(?P<key>[^,\s]+),\n(?P<body>.*)\n\}\Z", re.DOTALL)
FIELD = re.compile(r"\s*(?P<name>\w+)\s*=\s*\{")
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


class BibtexError(ValueError):
    """An entry does not have the form that laudo's table has."""


@dataclass(frozen=True)
class Reference:
    """One entry of the list.

    Attributes:
        key: by which a text cites it.
        kind: article, inproceedings, book or misc.
        fields: name → value, in plain Unicode.
    """

    key: str
    kind: str
    fields: dict[str, str]

    @property
    def authors(self) -> list[str]:
        """``Given names Family name`` of each; a last ``others`` stands for more."""
        names = self.fields["author"].split(" and ")
        return [" ".join(reversed(name.split(", ", 1))) for name in names]

    @property
    def text(self) -> str:
        """One line: authors, title, where, year."""
        names = self.authors
        told = ", ".join(names[:-1]) + " et al." if names[-1] == "others" else ", ".join(names) + "."
        title = self.fields["title"]
        return f"{told} {title}{'' if title[-1] in '.?!' else '.'} {self._where}{self.fields['year']}."

    @property
    def _where(self) -> str:
        fields = self.fields
        place = next(
            (fields[name] for name in ("journal", "booktitle", "publisher", "howpublished") if name in fields), ""
        )
        volume = fields.get("volume", "") + (f"({fields['number']})" if "number" in fields else "")
        pages = ":".join(part for part in (volume, fields.get("pages", "")) if part)
        return "".join(f"{part}, " for part in (place, pages) if part)

    @property
    def address(self) -> str:
        """Where it is on the web; empty when that is not known."""
        if "doi" in self.fields:
            return f"https://doi.org/{self.fields['doi']}"
        arxiv = ARXIV.search(self.fields.get("journal", ""))
        return f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else self.fields.get("url", "")


def read_bibtex(entry: str) -> Reference:
    """Read one entry of laudo's table: each value in braces, nested ones allowed.

    Raises:
        BibtexError: it has another form.
    """
    found = ENTRY.match(entry)
    if not found:
        raise BibtexError(f"no entry: {entry[:60]!r}")
    fields: dict[str, str] = {}
    rest = found["body"]
    while rest.strip(", \n"):
        field = FIELD.match(rest.lstrip(","))
        if not field:
            raise BibtexError(f"{found['key']}: no field in {rest[:40]!r}")
        value, rest = _braced(rest.lstrip(",")[field.end() :], found["key"])
        if field["name"] in fields:
            raise BibtexError(f"{found['key']}: {field['name']} stands twice")
        fields[field["name"]] = plain(value)
    return Reference(found["key"], found["kind"], fields)


def _braced(text: str, key: str) -> tuple[str, str]:
    """What stands before the brace that closes, and what comes behind it."""
    depth = 1
    for place, letter in enumerate(text):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth == 0:
            return text[:place], text[place + 1 :]
    raise BibtexError(f"{key}: a brace is not closed")


def plain(value: str) -> str:
    """A value of BibTeX as Unicode text on one line."""
    text = re.sub(r"\\([c'\"`~^])\{?(\w)\}?", lambda one: one[2] + ACCENTS[one[1]], " ".join(value.split()))
    text = text.replace("\\&", "&").replace("--", "–").replace("$<$", "<")
    return unicodedata.normalize("NFC", re.sub(r"[{}]", "", text))


def references(keys: Sequence[str]) -> list[Reference]:
    """Entries of these keys, in their order."""
    return [read_bibtex(BIBTEX[key]) for key in keys]


def bibtex(keys: Sequence[str]) -> str:
    """The file references.bib; empty without keys."""
    return "\n\n".join(BIBTEX[key] for key in keys) + "\n" if keys else ""


def write_references(run: Run, language: str) -> Path:
    """Write references.bib: what the methods text of a run cites.

    Raises:
        OSError: the run folder can not be written.
    """
    path = run.folder / "references.bib"
    write_text(path, bibtex(cited(methods_text(gather(run), Voice(language)))))
    return path


def as_download(text: str, mime: str) -> str:
    """A data URI that a link of the page can offer to save."""
    return f"data:{mime};base64," + base64.b64encode(text.encode()).decode("ascii")


def with_links(paragraph: str) -> Markup:
    """The paragraph, escaped, each citation a link to its entry in the list."""

    def link(found: re.Match[str]) -> str:
        key = found[1]
        return f'<a class="cite" href="#ref-{key}">[{key}]</a>' if key in BIBTEX else found[0]

    return Markup(KEY.sub(link, str(escape(paragraph))))  # noqa: S704 (escaped just before; keys are letters and digits)
