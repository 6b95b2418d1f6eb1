"""Every way to explain a prediction, in one place. A new one is a file beside this and a line here."""

from __future__ import annotations

import difflib

from laudo.core.errors import UnknownNameError
from laudo.core.messages import _
from laudo.explain.grad_cam import grad_cam
from laudo.explain.randomisation import Explainer

EXPLAINERS: dict[str, Explainer] = {"grad-cam": grad_cam}


def get_explainer(name: str) -> Explainer:
    """The method of this name.

    Raises:
        UnknownNameError: with the names there are and the nearest.
    """
    if name in EXPLAINERS:
        return EXPLAINERS[name]
    near = difflib.get_close_matches(name, EXPLAINERS, n=1)
    raise UnknownNameError(
        _("There is no explanation method of this name."),
        found=name,
        expected=", ".join(EXPLAINERS),
        cure=_("Did you mean {name}?").format(name=near[0]) if near else None,
    )
