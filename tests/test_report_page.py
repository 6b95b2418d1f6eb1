"""The report as a page: sections, figures, self-containedness, size, escaping."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from laudo.report.order import SECTIONS
from laudo.report.page import write_report
from report_example import HOSTILE, LEAKAGE, make_cross_validation, make_run

ORDER = (
    "summary", "data", "audit", "training", "results", "decisions", "subgroups", "external", "cases", "unlike", "explanations",
    "limits", "methods", "reproduce", "checklists", "problems",
)  # fmt: skip
VOID = {"img", "meta", "link", "input", "br", "hr"}


class Page(HTMLParser):
    """Tags, attributes, and whether every tag is closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("report") / "brain", hostile=True)


@pytest.fixture(scope="module")
def html(run):
    return write_report(run, "en").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cross_validated(tmp_path_factory):
    return write_report(make_cross_validation(tmp_path_factory.mktemp("report") / "cv"), "en").read_text(
        encoding="utf-8"
    )


def outside_references(html: str) -> list[str]:
    """Everything a browser would fetch or lead to that is not in the page."""
    found = re.findall(r"""(?:\bsrc|\bhref|\bsrcset|\baction)\s*=\s*["']?([^"'\s>]*)""", html)
    found += re.findall(r"""url\(\s*["']?([^"')]*)""", html)
    return [one for one in found if not one.startswith(("data:", "#"))]


def test_the_search_for_outside_references_finds_them():
    assert outside_references('<img src="https://x/y.png">') == ["https://x/y.png"]
    assert outside_references("a{background:url(//x/y)}") == ["//x/y"]
    assert outside_references('<a href="#x"><img src="data:image/png;base64,AA">') == []


def test_sections_come_in_their_fixed_order(html):
    assert tuple(section.name for section in SECTIONS) == ORDER
    assert re.findall(r'<section id="([a-z]+)"', html) == list(ORDER)
    assert re.findall(r'<li><a href="#([a-z]+)">', html) == list(ORDER)


def test_nothing_is_missing_in_a_complete_run(html):
    assert 'class="missing"' not in html
    assert 'class="gone"' not in html


def test_needs_nothing_from_outside(html, cross_validated):
    for text in (html, cross_validated):
        assert outside_references(text) == []
        assert "<script src" not in text
        assert "@import" not in text
        assert "default-src 'none'" in text


def test_is_well_formed_with_unique_ids(html, cross_validated):
    for text in (html, cross_validated):
        page = Page(text)
        assert page.open == []
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))


def test_every_image_has_words_made_from_the_data(html):
    images = Page(html).all("img")
    assert len(images) > 20
    assert all(image["alt"].strip() for image in images)
    assert all(image["src"].startswith(("data:image/svg+xml;base64,", "data:image/jpeg;base64,")) for image in images)
    confusion = next(image["alt"] for image in images if image["alt"].startswith("Confusion matrix"))
    assert re.search(r"of \d+ images of “no”, \d+ called “no”, \d+ called “yes”", confusion)


def test_every_figure_says_how_it_is_read(html):
    figures = re.findall(r"<figure.*?</figure>", html, re.DOTALL)
    assert len(figures) >= 9
    assert all("How to read this" in figure and "<figcaption>" in figure for figure in figures)


def test_figures_are_saved_beside_the_page(run, html):
    names = {path.name for path in run.figures.iterdir()}
    assert {
        "classes.svg",
        "training.svg",
        "metrics.svg",
        "confusion.svg",
        "roc.svg",
        "reliability.svg",
        "sanity.svg",
    } <= names
    assert all(path.read_bytes().startswith(b"<?xml") for path in run.figures.iterdir())


def test_headings_do_not_skip_a_level(html):
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_hostile_name_stays_text(html):
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.png" in html
    assert len(Page(html).all("script")) == 1


def test_is_small(run):
    assert run.report_path.stat().st_size < 8_000_000


def test_the_same_run_gives_the_same_bytes(run, html):
    assert write_report(run, "en").read_text(encoding="utf-8") == html


def test_the_slider_has_a_label_and_buttons_and_the_map_shows_without_scripts(html):
    page = Page(html)
    sliders = [attributes for attributes in page.all("input") if attributes.get("type") == "range"]
    assert len(sliders) == 6
    assert html.count("Opacity of the map, image") == 6
    assert all("hidden" in attributes for tag, attributes in page.tags if attributes.get("class") == "mix")
    assert all("hidden" not in attributes for tag, attributes in page.tags if attributes.get("class") == "over")


def test_outcomes_are_marked_by_word_and_shape(cross_validated):
    html = cross_validated
    assert "▲</span> false positive" in html
    assert "▼</span> false negative" in html
    assert "FP: false positive, FN: false negative" in html


def test_all_judged_cases_are_on_the_sheet_worst_first(run, html):
    sheet = html[html.index('<ul class="sheet">') :].split("</ul>")[0]
    predictions = run.predictions("test")
    of_truth = predictions.probabilities[range(len(predictions)), predictions.truth]
    worst = predictions.table["sample"].iloc[int(of_truth.argmin())]
    names = re.findall(r'<span class="name">([^<]*)</span>', sheet)
    assert len(names) == len(predictions)
    assert names[0] == worst.replace("<", "&lt;").replace(">", "&gt;")


def test_cross_validation_shows_folds_and_pooled_figures(cross_validated):
    assert "each by a model that had not been trained on its group" in cross_validated
    assert "Fold by fold" in cross_validated
    assert "Every epoch: fold 3" in cross_validated
    assert "Each fold has a threshold of its own, from 0.400 to 0.600" in cross_validated
    assert (
        "Accuracy 0.897 when copies leak, 0.866 when they do not: a difference of 3.1 percentage points"
        in cross_validated
    )
    assert cross_validated.count('type="range"') == 18
    assert "The diamond is the threshold" not in cross_validated
    assert "dashed line" not in cross_validated


def test_mistakes_are_shown_first_with_what_they_were_worth(tmp_path):
    run = make_run(
        tmp_path / "as-published",
        split={"by": "sample", "test": 0.0},
        evaluation={"headline": "val", "bootstrap": 100},
        mistakes=["random-split", "validation-quoted", "A mistake of another kind."],
        published={"accuracy": 0.9034, "train_accuracy": 0.994},
    )
    run.write_json("metrics", {**run.json("metrics"), "leakage": LEAKAGE})
    html = write_report(run, "en").read_text(encoding="utf-8")
    band = html[html.index('<div class="band warn"') : html.index('<section id="data"')]
    assert band.count("divided at random") == 1
    assert band.count("from the validation part, not from a test part") == 1
    assert "A mistake of another kind." in band
    assert "3.1 percentage points, 95\u00a0% interval 0.4–6.0" in band
    assert "The interval holds zero" in band
    assert "12 of the 51 images judged have another image of their group in training: accuracy 0.980 on those" in band
    assert "47 of them with another image of their group" in band
    assert "each fold was trained on a smaller share of the images than the run" in band
    assert "0.903" in band
    assert "Accuracy (training)" in band
    assert "which is not an independent test" in html


def test_an_honest_run_has_no_warning_band(html):
    assert "These figures are not what they seem." not in html
    assert "The diamond is the threshold that was used." in html
    assert "left of the dashed line" in html
    assert "unweighted mean over the classes" not in html
