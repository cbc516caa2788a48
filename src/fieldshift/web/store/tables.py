"""The tables of a desk. Times are seconds since 1970 in UTC; ids of cases and runs are short random words."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = ["audit", "cases", "drafts", "invitations", "metadata", "runs", "sessions", "users", "versions"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("role", String(20), nullable=False),  # viewer, analyst, admin
    Column("password", Text),  # argon2; none where a proxy names the visitor, or in local mode
    Column("active", Boolean, nullable=False, default=True),
    Column("created", Float, nullable=False),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # of the word in the link; the word itself is not kept
    Column("kind", String(20), nullable=False),  # account: makes one; link: lets the local visitor in, once
    Column("name", String(200)),
    Column("role", String(20), nullable=False),
    Column("made_by", Integer, ForeignKey("users.id")),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("used", Float),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("who", String(200), nullable=False),
    Column("did", String(60), nullable=False),  # such as "ran", "saved a version", "invited"
    Column("what", String(300), nullable=False),  # such as "case abc", "run xyz"
    Column("detail", JSON, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("name", String(300), nullable=False),
    Column("origin", String(300), nullable=False),  # such as "shipped: ice-2024", "uploaded: plan.xlsx"
    Column("owner", String(200), nullable=False),
    Column("created", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Column("gone", Boolean, nullable=False, default=False),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", String(20), ForeignKey("cases.id"), nullable=False),
    Column("number", Integer, nullable=False),  # from 1, which is the base that later ones are set against
    Column("text", Text, nullable=False),  # the whole scenario, as one YAML text
    Column("digest", String(64), nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("author", String(200), nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("case_id", "number"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", String(20), ForeignKey("cases.id"), nullable=False),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("version", Integer, nullable=False),  # the number of the version that it changes
    Column(
        "changes", JSON, nullable=False
    ),  # values by dotted path, as `overlaid` takes them; also those that do not fit
    Column("at", Float, nullable=False),
    UniqueConstraint("case_id", "user_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("case_id", String(20), ForeignKey("cases.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(20), nullable=False),  # simulate, plan (every policy and the best plan), explore
    Column("asked", JSON, nullable=False),  # policies, draws, seed, ...
    Column("title", String(300), nullable=False, default=""),
    Column("author", String(200), nullable=False),
    Column("state", String(20), nullable=False),  # queued, running, done, failed, cancelled
    Column("phase", String(200), nullable=False, default=""),  # what it does at the moment, in words
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("remains", Float),  # seconds that the phase still takes, as its worker reckons
    Column("first", JSON),  # the first bands: a small run's headlines, told while the run goes on
    Column("message", Text, nullable=False, default=""),  # why it failed
    Column("told", JSON),  # headlines of the finished run
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("beat", Float),  # when its worker was last heard of
    Column("worker", String(100)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("cancel", Boolean, nullable=False, default=False),
    Index("ix_runs_state_created", "state", "created"),
    Index("ix_runs_case_id", "case_id"),
)
