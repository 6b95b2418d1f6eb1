"""Putting tensors into a network: each must have its place, and each place its tensor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from laudo.core.errors import WeightsError
from laudo.core.messages import _


def put_weights(network: nn.Module, tensors: Mapping[str, Tensor], path: Path, cure: str | None = None) -> None:
    """Put weights into a network; a tensor that is missing, too many or of another shape is an error.

    Raises:
        WeightsError: names the tensors.
    """
    wanted = network.state_dict()
    missing = sorted(key for key in set(wanted) - set(tensors) if not key.endswith("num_batches_tracked"))
    strange = sorted(set(tensors) - set(wanted))
    unfit = sorted(key for key in set(wanted) & set(tensors) if wanted[key].shape != tensors[key].shape)
    if missing or strange or unfit:
        raise WeightsError(
            _("The weights do not fit the network."),
            file=path,
            details=tuple(
                f"{word}: {len(names)} ({', '.join(names[:3])}, …)"
                for word, names in ((_("missing"), missing), (_("too many"), strange), (_("other shape"), unfit))
                if names
            ),
            cure=cure,
        )
    network.load_state_dict(dict(tensors), strict=False)
