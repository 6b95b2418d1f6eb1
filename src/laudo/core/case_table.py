"""Tables with a row a sample, as they lie in a run: Parquet, and the same as CSV for whoever opens it by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from laudo.core.atomic import atomic_path
from laudo.core.errors import DataError


def concatenate_rows(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All rows of several tables, sorted by sample."""
    return pd.concat(list(tables), ignore_index=True).sort_values("sample", kind="stable").reset_index(drop=True)


def save_table(table: pd.DataFrame, path: Path) -> None:
    """Write Parquet, and the same as CSV beside it."""
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False)
    with atomic_path(path.with_suffix(".csv")) as temporary:
        table.to_csv(temporary, index=False)


def load_table(path: Path, unreadable: str) -> pd.DataFrame:
    """Read Parquet.

    Args:
        path: of the file.
        unreadable: what to say when it is missing or damaged.

    Raises:
        DataError: it is.
    """
    try:
        return pd.read_parquet(path)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DataError(unreadable, file=path, found=f"{type(error).__name__}: {error}") from error
