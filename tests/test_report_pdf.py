"""report.pdf: pages of A4 with text, links and vectors, drawn without any network; and what is said where it can not be drawn."""

from __future__ import annotations

import builtins
import json
import re
import shutil
import socket
import subprocess
import sys
import zlib

import pytest
from PIL import Image, ImageFile

from laudo.core import messages
from laudo.core.errors import LaudoError, UnreadableImageError
from laudo.core.run import Run
from laudo.read.table import read_image
from laudo.report import pdf
from laudo.report.page import css_text, write_report
from laudo.workflows.write_report import write_pdf_report
from report_example import HOSTILE, make_run

try:
    pdf.need_pdf()
except LaudoError as missing:
    pytest.skip(missing.what, allow_module_level=True)
A4 = (595.28, 841.89)


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(messages, "_current", "en")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("pdf") / "brain & <b>", n=30, hostile=True)


@pytest.fixture(scope="module")
def paper(run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", _no_network)
        patch.setattr(socket, "create_connection", _no_network)
        return write_pdf_report(run, "en")


def _no_network(*_words, **_more):
    raise AssertionError("the network was asked")


@pytest.fixture(scope="module")
def content(paper):
    return paper.read_bytes()


def streams(content: bytes) -> bytes:
    """Everything that is packed in a PDF, unpacked."""
    found = []
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            found.append(zlib.decompress(raw))
        except zlib.error:
            found.append(raw)
    return b"\n".join(found)


def test_it_lies_beside_the_page_and_has_pages_of_a4(paper, content):
    assert paper.name == "report.pdf"
    assert paper.with_name("report.html").is_file()
    assert content.startswith(b"%PDF-")
    boxes = re.findall(rb"/MediaBox \[([^\]]*)\]", content + streams(content))
    assert len(boxes) > 5
    for box in boxes:
        assert [float(one) for one in box.split()][2:] == pytest.approx(A4, abs=0.1)


def test_links_of_the_contents_lead_to_their_sections(content):
    everything = content + streams(content)
    for name in ("summary", "results", "methods", "checklists", "reproduce"):
        assert f"({name})".encode() in everything
    assert everything.count(b"/Subtype /Link") > 20
    assert b"/Outlines" in everything


def test_figures_are_vectors_and_pictures_are_there(content, run):
    everything = content + streams(content)
    assert everything.count(b"/Subtype /Image") >= 10
    assert len(re.findall(rb"-?[\d.]+ -?[\d.]+ (?:-?[\d.]+ ){4}c\n", everything)) > 1000, (
        "curves of the figures' letters"
    )


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
def test_text_can_be_selected_and_folded_parts_are_open(paper):
    done = subprocess.run(["pdftotext", "-layout", str(paper), "-"], capture_output=True, text=True, check=True)
    pages = done.stdout.split("\f")[:-1]
    text = " ".join(done.stdout.split())
    for words in (
        "Checks passed",
        "The recipe, with every default",
        "bootstrap: 100",
        "CLAIM 2024",
        "Versions of the libraries",
    ):
        assert words in text
    assert "How to read this" not in text
    assert HOSTILE.replace(".png", "") in text.replace(" ", "")
    for number, page in enumerate(pages, start=1):
        assert re.search(rf"\b{number} / {len(pages)}\b", page)
        assert ("brain & <b> · laudo" in page) == (number > 1)


def test_nothing_outside_the_page_is_opened(monkeypatch, tmp_path):
    monkeypatch.setattr(socket, "socket", _no_network)
    monkeypatch.setattr(socket, "create_connection", _no_network)
    secret = tmp_path / "secret.txt"
    secret.write_text("body { content: 'secret' }")
    opened = []
    real = builtins.open
    monkeypatch.setattr(
        builtins, "open", lambda path, *more, **words: opened.append(str(path)) or real(path, *more, **words)
    )
    page = (
        f'<link rel="stylesheet" href="http://127.0.0.1:9/a.css"><link rel="stylesheet" href="{secret.as_uri()}">'
        f'<style>@import url("https://127.0.0.1:9/b.css"); p {{ background: url({secret.as_uri()}) }}</style>'
        f'<p>hello <img src="http://127.0.0.1:9/c.png" alt="gone"><img src="{secret.as_uri()}" alt="gone too"></p>'
    )
    assert pdf.pdf_of(page).startswith(b"%PDF-")
    assert str(secret) not in opened


def test_images_that_are_cut_short_are_refused_afterwards(tmp_path):
    """The library that draws pages changes how the whole process reads images."""
    path = tmp_path / "image.jpg"
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:-600])
    pdf.pdf_of("<p>one")
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises(UnreadableImageError):
        read_image(path)


def test_the_same_page_gives_the_same_bytes():
    page = "<h1>One</h1><p>two"
    assert pdf.pdf_of(page) == pdf.pdf_of(page)


@pytest.mark.parametrize(
    ("error", "said", "cure"),
    [
        (ModuleNotFoundError("No module named 'weasyprint'"), "package weasyprint", "pip install 'laudo[pdf]'"),
        (OSError("cannot load library 'libpango-1.0-0'\nmore"), "library pango", "apt-get install libpango"),
    ],
)
def test_without_the_library_the_command_to_install_it_is_named(run, monkeypatch, error, said, cure):
    real = builtins.__import__

    def fail(name, *more):
        if name == "weasyprint":
            raise error
        return real(name, *more)

    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(builtins, "__import__", fail)
    run.report_path.unlink(missing_ok=True)
    with pytest.raises(LaudoError) as found:
        write_pdf_report(run, "en")
    assert said in found.value.what
    assert cure in found.value.cure
    assert "print of report.html" in found.value.cure
    assert run.report_path.is_file(), "the rest is written"


def test_the_command_writes_both(run, monkeypatch):
    from typer.testing import CliRunner

    from laudo.cli.main import app
    from laudo.workflows import write_report as job

    monkeypatch.setattr(job, "write_pdf", lambda page: page.with_suffix(".pdf"))
    done = CliRunner().invoke(app, ["report", str(run.folder), "--pdf", "--json", "--lang", "es"])
    assert json.loads(done.stdout) == {
        "report": str(run.folder / "report.html"),
        "pdf": str(run.folder / "report.pdf"),
    }
    assert '<html lang="es' in run.report_path.read_text(encoding="utf-8")


def test_a_name_can_not_leave_its_css_text():
    assert css_text('a"; } </style>') == '"a\\22 \\3b  \\7d  \\3c \\2f style\\3e "'


def test_the_screen_s_and_the_paper_s_style_are_apart(run):
    html = write_report(Run(run.folder), "en").read_text(encoding="utf-8")
    assert re.findall(r"<style media=\"(\w+)\">", html) == ["screen", "print"]
    paper_style = html[html.index('<style media="print">') :].split("</style>")[0]
    assert "details::details-content" in paper_style, "browsers open what is folded"
    assert "button" in paper_style
