"""What a model does that an export can not hold, said before anything is computed."""

from __future__ import annotations

from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model


def refuse_what_can_not_be_exported(model: Model | MaskModel) -> None:
    """Refuse models whose answer is not that of networks looking at an image.

    Raises:
        LaudoError: says what stands in the way, and which run could be exported.
    """
    if isinstance(model, MaskModel):
        return
    if model.text is not None:
        raise _refused(
            _("it reads texts, and what counts their words is no network"),
            f"network.text={model.network.text}",
            _("Export a run of the images alone: train it with --set network.text=null"),
        )
    if model.network.descriptors:
        raise _refused(
            _(
                "it looks at measured descriptors, which other programs would have to measure to the last digit as laudo does"
            ),
            f"network.descriptors={list(model.network.descriptors)}",
            _("Export a run of the images alone: train it with --set network.descriptors=[]"),
        )
    if model.companions is not None:
        raise _refused(
            _("classical classifiers answer beside its networks"),
            f"network.companions={len(model.companions.asked)}",
            _("Export a run of the networks alone: train it with --set network.companions=[]"),
        )
    if model.classical is not None:
        raise _refused(
            _("a classical classifier answers, not a network"),
            f"network.classifier={model.network.classifier}",
            _("Export a run with network.classifier: dense"),
        )


def _refused(reason: str, found: str, cure: str) -> LaudoError:
    return LaudoError(
        _("The model of this run can not be exported: {reason}.").format(reason=reason), found=found, cure=cure
    )
