"""Tables of a catalogue: two collections, cases and images, as MedPix 2.0 is published, and what is known beside them.

What stands in the texts is searched in ``catalog_words``, which each data base has in its own form (see word_index).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

VERSION = 1
"""Of the tables; a catalogue of another version is refused."""

PICTURES = "pictures"
"""Name in :class:`Value` under which the number of different pictures is kept."""

Key = String().with_variant(String(collation="C"), "postgresql")
"""Text whose order is that of its characters' numbers on every server."""


class Base(DeclarativeBase):
    """All tables of a catalogue."""


class Fact(Base):
    """What the catalogue says of itself: ``catalogue`` (laudo), ``version``, ``id``."""

    __tablename__ = "catalog_facts"
    name: Mapped[str] = mapped_column(Key, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class DataSet(Base):
    """A data set that was imported."""

    __tablename__ = "catalog_sets"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Key, unique=True)
    source: Mapped[str] = mapped_column(Text)
    """Name of the source that listed it."""
    root: Mapped[str] = mapped_column(Text)
    """Folder that its paths start from."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``classes, channels, mask_labels, separator, columns`` of its manifest."""
    cases: Mapped[list[Case]] = relationship(back_populates="data_set", passive_deletes=True)


class Case(Base):
    """A patient's case: MedPix's ``Clinical_reports``."""

    __tablename__ = "catalog_cases"
    __table_args__ = (UniqueConstraint("set_id", "uid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    set_id: Mapped[int] = mapped_column(ForeignKey("catalog_sets.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(Key)
    """``U_id`` of MedPix; elsewhere the patient, or the sample when no patient is known."""
    title: Mapped[str] = mapped_column(Text, default="")
    history: Mapped[str] = mapped_column(Text, default="")
    exam: Mapped[str] = mapped_column(Text, default="")
    findings: Mapped[str] = mapped_column(Text, default="")
    differential: Mapped[str] = mapped_column(Text, default="")
    diagnosis: Mapped[str] = mapped_column(Text, default="")
    diagnosis_by: Mapped[str] = mapped_column(Text, default="")
    treatment: Mapped[str] = mapped_column(Text, default="")
    discussion: Mapped[str] = mapped_column(Text, default="")
    topic: Mapped[str] = mapped_column(Text, default="")
    """What is generally known of the disease: MedPix's ``Disease Discussion``."""
    keywords: Mapped[str] = mapped_column(Text, default="")
    category: Mapped[str] = mapped_column(Text, default="")
    sex: Mapped[str] = mapped_column(String, default="")
    age_years: Mapped[float | None] = mapped_column(Float)
    age: Mapped[str] = mapped_column(Text, default="")
    """As it was written."""
    fingerprint: Mapped[str] = mapped_column(String)
    data_set: Mapped[DataSet] = relationship(back_populates="cases")
    images: Mapped[list[Image]] = relationship(back_populates="case", passive_deletes=True)


class Image(Base):
    """An image and its description: MedPix's ``Image_Descriptions``; a sample of a manifest."""

    __tablename__ = "catalog_images"
    __table_args__ = (
        UniqueConstraint("set_id", "sample"),
        Index("catalog_images_case", "case_id"),
        Index("catalog_images_file", "file_key"),
        # all that is filtered by, so that a filter reads this narrow index and not the texts
        Index(
            "catalog_images_filter",
            *("modality", "modality_detail", "plane", "location", "location_category", "sex", "age_years", "split"),
            *("set_id", "case_id"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    set_id: Mapped[int] = mapped_column(ForeignKey("catalog_sets.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("catalog_cases.id", ondelete="CASCADE"))
    sample: Mapped[str] = mapped_column(Key)
    image: Mapped[str] = mapped_column(Text)
    """Path relative to the data set's root; several are joined by ``|``."""
    mask: Mapped[str] = mapped_column(Text, default="")
    label: Mapped[str] = mapped_column(Text, default="")
    caption: Mapped[str] = mapped_column(Text, default="")
    modality: Mapped[str] = mapped_column(Text, default="")
    modality_detail: Mapped[str] = mapped_column(Text, default="")
    plane: Mapped[str] = mapped_column(Text, default="")
    location: Mapped[str] = mapped_column(Text, default="")
    location_category: Mapped[str] = mapped_column(Text, default="")
    sex: Mapped[str] = mapped_column(String, default="")
    sex_text: Mapped[str] = mapped_column(Text, default="")
    """As it was written; ``sex`` is female, male, other or empty."""
    age_years: Mapped[float | None] = mapped_column(Float)
    age: Mapped[str] = mapped_column(Text, default="")
    patient: Mapped[str] = mapped_column(Text, default="")
    group: Mapped[str] = mapped_column("group_name", Text, default="")
    duplicates: Mapped[str] = mapped_column(Text, default="")
    split: Mapped[str] = mapped_column(String, default="")
    fold: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(String)
    mask_sha256: Mapped[str] = mapped_column(String, default="")
    file_key: Mapped[str] = mapped_column(Key)
    """What the pixels are known by: the hash, and the member of the file that is meant. Vectors belong to it."""
    extra: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Further columns of the manifest, and those whose value differs from what the catalogue made of it."""
    fingerprint: Mapped[str] = mapped_column(String)
    case: Mapped[Case] = relationship(back_populates="images")


class Value(Base):
    """How many images have each value of the columns that are filtered by."""

    __tablename__ = "catalog_values"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Key)
    value: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text, default="")
    """The finer or coarser value beside it: of a modality its spelling, of a location its category."""
    images: Mapped[int]


class Encoder(Base):
    """What makes vectors of images."""

    __tablename__ = "catalog_encoders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Key, unique=True)
    identity: Mapped[str] = mapped_column(Text)
    """Hash of weights and preparation: only vectors of the same can be compared."""
    dimension: Mapped[int]
    revision: Mapped[str] = mapped_column(String)
    """Drawn anew whenever its vectors change."""


class Embedding(Base):
    """The vector of one image by one encoder."""

    __tablename__ = "catalog_embeddings"
    id: Mapped[int] = mapped_column(primary_key=True)
    encoder_id: Mapped[int] = mapped_column(ForeignKey("catalog_encoders.id", ondelete="CASCADE"))
    file_key: Mapped[str] = mapped_column(Key)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    """float32, little endian."""
    __table_args__ = (UniqueConstraint("encoder_id", "file_key"),)


class RunRow(Base):
    """A run whose predictions were registered."""

    __tablename__ = "catalog_runs"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(Key, unique=True)
    """Absolute folder."""
    name: Mapped[str] = mapped_column(Text)
    recipe: Mapped[str] = mapped_column(Text)
    set_id: Mapped[int] = mapped_column(ForeignKey("catalog_sets.id", ondelete="CASCADE"))
    headline: Mapped[str] = mapped_column(String)
    """Part whose figures the run's report quotes."""


class Prediction(Base):
    """What a run's model said of an image."""

    __tablename__ = "catalog_predictions"
    __table_args__ = (UniqueConstraint("run_id", "part", "image_id"), Index("catalog_predictions_image", "image_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("catalog_runs.id", ondelete="CASCADE"))
    part: Mapped[str] = mapped_column(String)
    image_id: Mapped[int] = mapped_column(ForeignKey("catalog_images.id", ondelete="CASCADE"))
    truth: Mapped[str] = mapped_column(Text)
    predicted: Mapped[str] = mapped_column(Text)
    probability: Mapped[float | None] = mapped_column(Float)
    """Of the predicted class; None where a sample may have several labels."""
    correct: Mapped[bool]
