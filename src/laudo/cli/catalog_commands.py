"""The commands that look after a catalogue of cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laudo.cli.options import Debug, Json, Lang
from laudo.core.messages import _

if TYPE_CHECKING:
    from laudo.catalog.filters import Conditions
    from laudo.cli.console import Answer

Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL_OR_FILE",
        help=_(
            "The catalogue: a file, or postgresql://USER@HOST/DATABASE; default: LAUDO_CATALOG, else laudo-catalog.sqlite."
        ),
    ),
]
Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="WORDS…", help=_('Words of the texts, "a phrase", -excluded, beginning*.')),
]
Modality = Annotated[list[str] | None, typer.Option("--modality", metavar="NAME", help=_("CT, MR …; may be repeated."))]
Plane = Annotated[list[str] | None, typer.Option("--plane", metavar="NAME", help=_("Axial …; may be repeated."))]
Location = Annotated[
    list[str] | None,
    typer.Option("--location", metavar="NAME", help=_("Words of the location or its category; may be repeated.")),
]
Sex = Annotated[list[str] | None, typer.Option("--sex", metavar="NAME", help=_("female, male or other."))]
Age = Annotated[
    str | None, typer.Option("--age", metavar="YEARS", help=_("60- (and older), -18 (and younger), 40-60."))
]
Part = Annotated[list[str] | None, typer.Option("--split", metavar="PART", help=_("train, val or test."))]
SetName = Annotated[
    list[str] | None, typer.Option("--source", metavar="NAME", help=_("Name of an imported data set; may be repeated."))
]
Wrong = Annotated[
    str | None, typer.Option("--wrong", metavar="RUN", help=_("Images that the model of a registered run got wrong."))
]
RunPart = Annotated[
    str | None,
    typer.Option("--part", metavar="PART", help=_("Part of that run; default: the one that its report quotes.")),
]


def import_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE_OR_MANIFEST",
            help=_("Name of a source (laudo data sources), or a manifest, a folder of images, or a run."),
        ),
    ],
    root: Annotated[
        Path | None, typer.Argument(metavar="ROOT", help=_("For a source, the data set's folder; default: LAUDO_DATA."))
    ] = None,
    db: Db = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help=_("Name of the data set in the catalogue; default: its source's or folder's.")),
    ] = None,
    embed: Annotated[
        str | None,
        typer.Option("--embed", metavar="BACKBONE", help=_("Then make vectors of the images, for search --like.")),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help=_("Remove images of this data set that are not listed any more."))
    ] = False,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_catalog import imported_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return imported_answer(steps.catalog_import(what, root, db=db, name=name, embed=embed, prune=prune))

    run_command(work, json, debug)


def embed(
    backbone: Annotated[
        str, typer.Argument(metavar="BACKBONE", help=_("Network whose vectors are kept, such as mobilenetv2_100."))
    ],
    db: Db = None,
    again: Annotated[
        bool, typer.Option("--again", help=_("Throw away the vectors that other weights have made."))
    ] = False,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_catalog import embedded_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return embedded_answer(steps.catalog_embed(backbone, db=db, again=again))

    run_command(work, json, debug)


def search(
    words: Words = None,
    modality: Modality = None,
    plane: Plane = None,
    location: Location = None,
    sex: Sex = None,
    age: Age = None,
    split: Part = None,
    source: SetName = None,
    wrong: Wrong = None,
    part: RunPart = None,
    like: Annotated[
        Path | None, typer.Option("--like", metavar="IMAGE", help=_("Show the images that look most like this one."))
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", metavar="NAME", help=_("Whose vectors are compared; default: the only one.")),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=_("Images at most."))] = 20,
    full: Annotated[bool, typer.Option("--full", help=_("Show the whole texts of each case."))] = False,
    db: Db = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_catalog import found_answer

    question = " ".join(words or ())
    conditions = _conditions(modality, plane, location, sex, age, split, source, wrong, part)

    def work() -> Answer:
        from laudo.workflows import steps

        found = steps.catalog_search(question, db=db, limit=limit, like=like, encoder=encoder, **conditions)
        return found_answer(found, question, {**conditions}, full)

    run_command(work, json, debug)


def export(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help=_("Folder for the manifest."))],
    words: Words = None,
    modality: Modality = None,
    plane: Plane = None,
    location: Location = None,
    sex: Sex = None,
    age: Age = None,
    split: Part = None,
    source: SetName = None,
    wrong: Wrong = None,
    part: RunPart = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help=_("Images at most, the best ones; default: all."))
    ] = None,
    db: Db = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_catalog import exported_answer

    conditions = _conditions(modality, plane, location, sex, age, split, source, wrong, part)

    def work() -> Answer:
        from laudo.workflows import steps

        return exported_answer(steps.catalog_export(out, " ".join(words or ()), db=db, limit=limit, **conditions))

    run_command(work, json, debug)


def _conditions(
    modality: list[str] | None,
    plane: list[str] | None,
    location: list[str] | None,
    sex: list[str] | None,
    age: str | None,
    split: list[str] | None,
    source: list[str] | None,
    wrong: str | None,
    part: str | None,
) -> Conditions:
    """Filters that were given."""
    given = {"modality": modality, "plane": plane, "location": location, "sex": sex, "age": age, "split": split,
             "source": source, "wrong": wrong, "part": part}  # fmt: skip
    return {name: value for name, value in given.items() if value}  # type: ignore[return-value]


import_.__doc__ = _("Bring a data set, a manifest or a run into the catalogue; a second time, only what has changed.")
embed.__doc__ = _("Make the vectors by which images that look alike are found; goes on where it was stopped.")
search.__doc__ = _("Find images by words of their cases, by filters, or by likeness.")
export.__doc__ = _("Write the manifest of the images that a search finds, for laudo train RECIPE --data DIR.")
