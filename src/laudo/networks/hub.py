"""Files of the model hub: from its cache, else fetched, with an error at once where there is no network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse

from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

from laudo.core.messages import _
from laudo.core.progress import say

TRANSPORTS = {"httpx", "httpcore", "requests", "urllib3"}


class HubError(Exception):
    """The hub gave nothing; its text says why."""


def ask_hub(fetch: Callable[[], str]) -> Path:
    """What ``fetch`` downloads.

    Raises:
        HubError: no network, or the hub refused.
    """
    host = urlparse(constants.ENDPOINT).hostname or ""
    try:
        socket.getaddrinfo(host, 443)  # without a network the hub's client would go on trying for half a minute
    except OSError as error:
        raise HubError(_("no connection to {host}").format(host=host)) from error
    try:
        return Path(fetch())
    except (OSError, HfHubHTTPError, EntryNotFoundError, HFValidationError) as error:
        raise HubError(_first_line(error)) from error
    except Exception as error:  # the hub's client lets its transport's own errors out when there is no network
        if type(error).__module__.split(".")[0] not in TRANSPORTS:
            raise
        raise HubError(_first_line(error)) from error


def cached_file(repository: str, file: str, revision: str | None = None) -> Path | None:
    """The file in the hub's cache; None when it is not there."""
    try:
        found = try_to_load_from_cache(repository, file, revision=revision)
    except HFValidationError as error:
        raise HubError(_first_line(error)) from error
    return Path(found) if isinstance(found, str) else None


def hub_file(repository: str, file: str, revision: str | None = None) -> Path:
    """The file from the hub's cache, else from the hub.

    Raises:
        HubError: it is in neither, or the hub can not be asked.
    """
    found = cached_file(repository, file, revision)
    if found is not None:
        return found
    return ask_hub(lambda: _fetch(repository, file, revision))


def _fetch(repository: str, file: str, revision: str | None) -> str:
    say(_("Fetching {file} from the hub ({repository})").format(file=file, repository=repository))
    return hf_hub_download(repository, file, revision=revision)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
