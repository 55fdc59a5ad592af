"""Reads many rows by columns: one list for each column, without an object for each row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ColumnElement, func
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType
from sqlmodel import Session


def read_column(session: Session, column: ColumnElement[Any]) -> FunctionElement[Any]:
    """An aggregate of all values of a column as one list, for numbers and texts. Lists of one query have one order."""
    if session.get_bind().dialect.name == "postgresql":
        return func.array_agg(column, type_=NullType())  # the driver makes the list
    return func.json_group_array(column, type_=JSON())
