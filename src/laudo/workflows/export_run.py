"""Write the model of a run in a form that other programs read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import torch

import laudo
from laudo.core.atomic import atomic_path
from laudo.core.environment import file_hash
from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.core.run import Run
from laudo.export.folder import DESCRIPTION, atomic_folder, check_target
from laudo.export.packages import require_onnx
from laudo.export.refusal import refuse_what_can_not_be_exported
from laudo.export.sample import Files, Picture, Volume, read_pictures, read_volumes
from laudo.networks.precision import Precision, choose_precision
from laudo.predict.files import list_files
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model
from laudo.read.member import split_member
from laudo.workflows.open_mask_model import open_mask_model
from laudo.workflows.open_model import open_model

Format = Literal["onnx", "monai-bundle"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True)
class _Job:
    """What is exported.

    Attributes:
        run: whose model it is.
        model: the model.
        samples: by which the export is compared with it.
        precision: of `laudo predict`.
    """

    run: Run
    model: Model | MaskModel
    samples: list[Picture] | list[Volume]
    precision: Precision

    @property
    def name(self) -> str:
        """Of the run's recipe."""
        return self.run.recipe().name


def export_run(run: Run, kind: str, out: Path | None, images: Sequence[Path] = ()) -> dict[str, Any]:
    """Write the model of a run; of a cross-validation, the mean of its folds' networks, as `laudo predict` answers.

    Args:
        run: whose model it is.
        kind: ``onnx`` or ``monai-bundle``.
        out: folder for the export; a bundle may also be a .zip file. Default: ``export/<kind>`` in the run's folder.
        images: by which the export is compared with the model; default: some of the run's own, of its test part where there is one.

    Returns:
        What export.json holds, and ``folder``.

    Raises:
        LaudoError: no such format, a library is missing, the model can not be exported, or the export answers otherwise than it.
        RunError: the run has no model.
    """
    if kind not in FORMATS:
        raise LaudoError(_("There is no such format."), found=kind, expected=", ".join(FORMATS))
    if kind == "onnx":
        require_onnx()
    target = out or run.folder / "export" / kind
    packed = target.suffix == ".zip" and kind == "monai-bundle"
    if not packed:
        check_target(target)
    with step(_("Exporting"), 3) as advance:
        recipe = run.recipe()
        model = _on_processor(open_mask_model(run) if recipe.outlines else open_model(run))
        refuse_what_can_not_be_exported(model)
        if kind == "monai-bundle":
            from laudo.export.monai_bundle import refuse_bundle

            refuse_bundle(model)
        advance(1)
        precision = choose_precision(recipe.training.precision, torch.device("cpu"))
        job = _Job(run, model, _samples(run, model, images), precision)
        advance(1)
        with _target(target, packed) as folder:
            facts = _write_onnx(job, folder) if kind == "onnx" else _write_bundle(job, folder)
            described = {"format": kind, "laudo": laudo.__version__, **facts, "files": _hashes(folder)}
            text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
            (folder / DESCRIPTION).write_text(text, encoding="utf-8")
        advance(1)
    return described | {"folder": str(target)}


def _on_processor(model: Model | MaskModel) -> Model | MaskModel:
    """The same on the processor: a GPU rounds the products of single precision, by more than what is allowed here."""
    if isinstance(model, MaskModel):
        return replace(model, networks=tuple(network.cpu() for network in model.networks))
    return model if model.classifier is None else replace(model, classifier=model.classifier.cpu())


def _write_onnx(job: _Job, folder: Path) -> dict[str, Any]:
    from laudo.export import example_picture, example_volume
    from laudo.export.onnx_export import export_classifier, export_outlines, export_patches
    from laudo.export.standalone import volume_preparation
    from laudo.export.words import onnx_readme

    model = job.model
    pictures = [one for one in job.samples if isinstance(one, Picture)]
    volumes = [one for one in job.samples if isinstance(one, Volume)]
    if isinstance(model, Model):
        made = export_classifier(model, pictures, job.precision)
    elif model.window is None:
        made = export_outlines(model, pictures, job.precision)
    else:
        made = export_patches(model, volumes, job.precision)
    (folder / "model.onnx").write_bytes(made.graph)
    example = example_volume if volumes else example_picture
    shutil.copyfile(str(example.__file__), folder / "example.py")
    if volumes:
        (folder / "preparation.py").write_text(volume_preparation(model.prepare), encoding="utf-8")
    facts = {"run": job.name, "model": made.facts}
    readme = onnx_readme(model, facts, made.checked.as_dict())
    (folder / "README.md").write_text(readme, encoding="utf-8")
    return facts | {"checked": made.checked.as_dict()}


def _write_bundle(job: _Job, folder: Path) -> dict[str, Any]:
    from laudo.export.monai_bundle import write_bundle

    model = job.model
    outlined = isinstance(model, MaskModel)
    names = ", ".join(model.structures.names if isinstance(model, MaskModel) else model.classes)
    what = f"Outlines {names}." if outlined else f"Tells apart {names}."
    facts = {
        "run": job.name,
        "description": f"{what} Trained with laudo {laudo.__version__}, recipe {job.name}.",
        "channels": list(job.run.manifest().channels) if outlined else [],
    }
    return write_bundle(model, job.samples, folder, facts, job.precision)


def _samples(run: Run, model: Model | MaskModel, images: Sequence[Path]) -> list[Picture] | list[Volume]:
    """Images that are there: those that are named, else some of the run's own."""
    if images:
        if isinstance(model, MaskModel) and model.window is not None and model.channels > 1:
            raise LaudoError(
                _("The model looks at several volumes of each case at once: single files are no case."),
                found=f"--images {images[0]}",
                cure=_("Leave --images away; the run's own cases are taken."),
            )
        candidates = iter([Files((path,)) for path in list_files(images)])
    else:
        candidates = _own_files(run)
    if isinstance(model, MaskModel) and model.window is not None:
        return read_volumes(candidates, model.prepare)
    return read_pictures(candidates, model.prepare)


def _own_files(run: Run) -> Iterator[Files]:
    """Files of the run's samples that are still there: of the test part, spread over it, then of the others."""
    manifest = run.manifest()
    rows = [int(row) for part in ("test", "val", "train") for row in _spread(manifest.indices(part))]
    rows = rows or _spread(range(len(manifest)))
    for row in rows:
        files = Files(tuple(manifest.image_paths(row)), tuple(manifest.mask_paths(row)))
        if all(split_member(path)[0].exists() for path in (*files.images, *files.masks)):
            yield files


def _spread(rows: Any, most: int = 16) -> list[int]:
    found = [int(row) for row in rows]
    return found[:: max(1, len(found) // most)]


@contextmanager
def _target(target: Path, packed: bool) -> Iterator[Path]:
    """An empty folder that becomes the target, whole or not at all; as a .zip file where that is asked for."""
    if not packed:
        with atomic_folder(target) as folder:
            yield folder
        return
    with TemporaryDirectory(prefix="laudo-export-") as place:
        folder = Path(place) / target.stem
        folder.mkdir()
        yield folder
        with atomic_path(target) as temporary:
            made = shutil.make_archive(str(Path(place) / "packed"), "zip", place, target.stem)
            shutil.copyfile(made, temporary)


def _hashes(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of each file of the export."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": file_hash(path)} for path in files
    }
