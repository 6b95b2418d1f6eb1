"""Citations: the form of every BibTeX entry, and that what is used, cited and listed is the same."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from laudo.report import citations, citations_of_masks, citations_of_methods
from laudo.report.citations import BIBTEX, backbone_key, cited, with_citation
from laudo.report.context import gather
from laudo.report.methods import methods_text
from laudo.report.references import BibtexError, bibtex, plain, read_bibtex, references, with_links, write_references
from laudo.report.voice import Voice
from laudo.sources.table import PUBLIC
from report_example import make_recipe, make_run

EN = Voice("en")
NEEDED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "book": {"author", "title", "publisher", "year"},
    "misc": {"author", "title", "year"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("references") / "brain", n=40)


@pytest.fixture(scope="module")
def evidence(run):
    return gather(run)


def letters(name: str) -> str:
    bare = unicodedata.normalize("NFD", name.split(", ", 1)[0].lower())
    return "".join(one for one in bare if "a" <= one <= "z")


@pytest.mark.parametrize("key", sorted(BIBTEX))
def test_every_entry_has_the_form_of_its_kind(key):
    one = read_bibtex(BIBTEX[key])
    assert one.key == key
    assert NEEDED[one.kind] <= set(one.fields)
    assert re.fullmatch(r"(19|20)\d\d", one.fields["year"])
    name, year = re.fullmatch(r"([a-z]+)(\d{4})[a-z]?", key).groups()
    assert year == one.fields["year"]
    assert name in letters(one.fields["author"])
    assert all(", " in author or author == "others" for author in one.fields["author"].split(" and "))
    assert all(value and not set(value) & set("{}\\$") for value in one.fields.values())
    assert one.address == "" or re.fullmatch(r"https://\S+", one.address)
    if "doi" in one.fields:
        assert re.fullmatch(r"10\.\d{4,5}/\S+", one.fields["doi"])
    if re.search(r"\d–\d", one.fields.get("pages", "")):
        first, last = map(int, re.findall(r"\d+", one.fields["pages"]))
        assert first < last


def test_no_key_stands_in_two_tables():
    """One dictionary made of several would let the last one win in silence."""
    texts = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in _modules())
    keys = re.findall(r"^    (?:\"\w+\"|[A-Z_]+): \"\"\"@\w+\{(\w+),", texts, re.MULTILINE)
    assert len(keys) == len(set(keys)) == len(BIBTEX)


def _modules():
    from laudo.report import citations_of_networks, citations_of_texts

    return citations, citations_of_masks, citations_of_methods, citations_of_networks, citations_of_texts


def test_no_two_entries_are_one_paper():
    titles = [re.sub(r"\W", "", read_bibtex(entry).fields["title"].lower()) for entry in BIBTEX.values()]
    assert len(titles) == len(set(titles))


def test_every_key_of_the_tables_has_an_entry():
    tables = (
        [key for keys in citations.SOURCES.values() for key in keys],
        [key for _start, key in citations.BACKBONES],
        citations.OPTIMISERS.values(),
        [key for keys in citations.DESCRIPTORS.values() for key in keys],
        [key for keys in citations_of_masks.NETWORKS.values() for key in keys],
        citations_of_methods.CLASSIFIERS.values(),
        citations_of_methods.METRIC_PAPERS.values(),
    )
    assert {key for table in tables for key in table} <= set(BIBTEX)


def test_every_public_data_set_and_classifier_has_its_paper():
    from typing import get_args

    from laudo.core.recipe import ClassicalName

    assert set(citations.SOURCES) == {source.name for source in PUBLIC}
    assert set(citations_of_methods.CLASSIFIERS) == set(get_args(ClassicalName))


def test_citations_of_the_sources_are_those_that_their_readers_state():
    for source in PUBLIC:
        for one in references(citations.SOURCES[source.name]):
            assert one.fields["year"] in source.citation
            assert letters(one.fields["author"]) in letters(source.citation.replace(",", ""))


@pytest.mark.parametrize(
    ("network", "key"),
    [
        ("resnet50", "he2016"), ("resnetv2_50", "he2016b"), ("efficientnet_b0", "tan2019"), ("efficientnetv2_rw_s", "tan2021"),
        ("vit_base_patch16_224", "dosovitskiy2021"), ("mobilenetv3_large_100", "howard2019"), ("tumour_cnn", None),
        ("wide_resnet50_2", "zagoruyko2016"),
    ],
)  # fmt: skip
def test_a_network_has_its_own_paper(network, key):
    assert backbone_key(network) == key


def test_entries_are_read_back_as_people_write_them():
    one = references(["cicek2016"])[0]
    assert one.authors[0] == "Özgün Çiçek"
    assert one.text.startswith("Özgün Çiçek, Ahmed Abdulkadir, ")
    assert one.text.endswith("Medical Image Computing and Computer-Assisted Intervention, 424–432, 2016.")
    assert one.address == "https://doi.org/10.1007/978-3-319-46723-8_49"
    assert "et al. " in references(["menze2015"])[0].text
    assert "34(10):1993–2024, 2015." in references(["menze2015"])[0].text
    assert references(["iandola2016"])[0].address == "https://arxiv.org/abs/1602.07360"
    assert plain("Pietik{\\\"a}inen, S{\\'e}bastien {\\c{C}} $<$0.5{MB}") == "Pietikäinen, Sébastien Ç <0.5MB"


@pytest.mark.parametrize(
    "entry",
    ["", "@misc{a2000,\n  author = {A\n}", "@misc{a2000,\n  author = A,\n}", "@misc{a,\n  x = {1},\n  x = {2}\n}"],
)
def test_another_form_is_refused(entry):
    with pytest.raises(BibtexError):
        read_bibtex(entry)


@pytest.mark.parametrize("language", ["en", "pt", "es"])
def test_the_same_is_cited_in_every_language(evidence, language):
    assert cited(methods_text(evidence, Voice(language))) == cited(methods_text(evidence, EN))


def test_the_file_and_the_page_hold_what_the_text_cites(run, evidence):
    from laudo.report.page import write_report

    text = " ".join(methods_text(evidence, EN))
    keys = cited([text])
    content = write_references(run, "en").read_text(encoding="utf-8")
    assert re.findall(r"^@\w+\{(\w+),$", content, re.MULTILINE) == keys
    assert content == bibtex(keys)
    html = write_report(run, "en").read_text(encoding="utf-8")
    assert re.findall(r'<li id="ref-(\w+)">', html) == keys
    assert set(re.findall(r'href="#ref-(\w+)"', html)) == set(keys)
    assert "data:application/x-bibtex;base64," in html


def test_what_a_recipe_uses_is_cited_and_what_it_does_not_is_not(evidence):
    changes = {
        "network": {"backbone": "resnet18", "head": {"dropout": 0.5}, "trainable": 1.0, "batch_norm": "refitted"},
        "training": {"optimizer": "sgd", "schedule": "cosine", "label_smoothing": 0.1},
    }
    more = {"srivastava2014", "ioffe2015", "sutskever2013", "loshchilov2017", "szegedy2016"}
    assert more <= set(cited(methods_text(replace(evidence, recipe=make_recipe(**changes)), EN)))
    bare = make_recipe(network={"backbone": "resnet18"})
    assert not more & set(cited(methods_text(replace(evidence, recipe=bare), EN)))
    leaking = replace(evidence, metrics={**evidence.metrics, "leakage": {"folds": 5}})
    assert "kapoor2023" in cited(methods_text(leaking, EN))
    assert "kapoor2023" not in cited(methods_text(evidence, EN))


def test_links_are_made_of_known_keys_alone_and_everything_is_escaped():
    shown = str(with_links("<b> Adam [kingma2015] of [nobody1999] & [x]"))
    assert shown == '&lt;b&gt; Adam <a class="cite" href="#ref-kingma2015">[kingma2015]</a> of [nobody1999] &amp; [x]'
    assert with_citation("It fell.", "hu2018") == "It fell [hu2018]."
