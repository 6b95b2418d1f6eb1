"""Write docs/audits.md: what `laudo data audit` says of six public data sets.

    python docs/audits.py path/to/data > docs/audits.md

The folder holds the sets under the names of `SETS`. Each command below is run as it stands, and its answer is copied; lines of
checks that pass are left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Audited:
    """A set: its folder, further options, and what a reader should look at."""

    title: str
    folder: str
    options: tuple[str, ...]
    comment: str


SETS = (
    Audited(
        "Kaggle brain MRI, 253 slices",
        "kaggle_brain",
        (),
        "25 files are byte-identical copies, in 22 groups, and more pictures were saved again in another size: a third of the set"
        " has a copy. Nobody says whose head is whose. Size and border alone tell the classes apart far better than"
        " chance, because the two classes were collected from different places.",
    ),
    Audited(
        "figshare, 3,064 slices of 233 patients",
        "figshare",
        ("--inflation",),
        "The JPEG copy of the set does not know its patients, but the author's folds do: no patient stands in two of them. Under a"
        " random split, neighbouring slices stand on both sides. The last lines say what that is worth to a cheap model."
        " A few slices resemble one in another of the author's folds closely enough to be of one person scanned twice,"
        " such as 2735 and 3060; the intervals resample groups of look-alikes, since patients are unknown, and are"
        " rather too narrow.",
    ),
    Audited(
        "figshare again, divided at random",
        "figshare --by sample",
        (),
        "The same images after `laudo data split path/to/figshare --by sample -o DIR`: what looks alike stands in different parts.",
    ),
    Audited(
        "MedPix 2.0, 2,050 images of 671 cases, modality",
        "medpix2",
        (),
        "More than half of the captions name the modality that a model is to find, and a bag of words predicts it without any"
        " image. How many captions name it depends on the list of words, which the finding shows. The official split keeps cases"
        " whole, but some examinations stand in it under two case numbers, in different parts.",
    ),
    Audited(
        "MedPix 2.0, location",
        "medpix2",
        ("--label", "location"),
        "The same images with the body location as class: a long tail of classes that can be neither learned nor judged.",
    ),
    Audited(
        "BUS-UC, 811 breast ultrasound images",
        "bus_uc",
        (),
        "Three broken files, 178 images with coloured pixels (arrows and callipers among them), and three pictures that stand in"
        " the benign and, twice each, in the malignant folder.",
    ),
    Audited(
        "BraTS 2018, five cases",
        "brats",
        (),
        "A necrosis of 384 voxels among 8.9 million: a handful of voxels decides the score of that region.",
    ),
    Audited(
        "Hippocampus (Decathlon task 4), 208 volumes",
        "hippocampus",
        (),
        "Intensities of the volumes lie orders of magnitude apart: a network needs each scaled by itself.",
    ),
)

HEAD = """# What the audit says of six public data sets

Printed by `python docs/audits.py path/to/data`; every block is the answer of the command above it, without the checks that
pass. The figures belong to the copies of the sets that were at hand (figshare and MedPix 2.0 in reduced resolution, five cases
of BraTS)."""

CHECKMARK = "✓"


def audit(data: Path, scratch: Path, one: Audited) -> str:
    """Answer of one command, as Markdown."""
    folder, _space, split = one.folder.partition(" ")
    where = data / folder
    if split:
        laudo("data", "split", str(where), *split.split(), "-o", str(scratch))
        where = scratch / "manifest.parquet"
    answer = laudo("data", "audit", str(where), *one.options)
    lines = [line.rstrip() for line in answer.splitlines() if not line.startswith(CHECKMARK)]
    shown = f"path/to/{folder}" if not split else "DIR/manifest.parquet"
    command = " ".join(["laudo data audit", shown, *one.options])
    return f"## {one.title}\n\n{one.comment}\n\n```\n$ {command}\n" + "\n".join(lines) + "\n```"


def laudo(*arguments: str) -> str:
    """Standard output of a command; an audit that finds errors ends with 1."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "laudo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LAUDO_LANG": "en", "COLUMNS": "128"},
    )
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return re.sub(r"\n{2,}", "\n", done.stdout)


def main() -> None:
    """Write the page to standard output."""
    data = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        print("\n\n".join([HEAD, *(audit(data, Path(scratch), one) for one in SETS)]))


if __name__ == "__main__":
    main()
