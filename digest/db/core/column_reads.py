"""Many rows read by columns: a list of numbers each, no object for every row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ColumnElement, func
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType
from sqlmodel import Session


def read_column(session: Session, column: ColumnElement[Any]) -> FunctionElement[Any]:
    """All values of a column in one list, for numbers and texts. Those of one query are in the same order."""
    if session.get_bind().dialect.name == "postgresql":
        return func.array_agg(column, type_=NullType())  # the driver makes the list
    return func.json_group_array(column, type_=JSON())
