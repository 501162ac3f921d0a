"""The extensions as bare instances; :func:`ecatalog.create_app` binds them to an application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_cors import CORS
from flask_jwt_extended import JWTManager
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from ecatalog.openapi.api import Api
from ecatalog.ops.limits import make_limiter


class Base(DeclarativeBase):
    """Declarative base whose constraints all carry a name, so that a violation can be told by it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
api = Api()
jwt = JWTManager()
cors = CORS()
limiter = make_limiter()

if TYPE_CHECKING:

    class Model(Base):
        """What ``db.Model`` is at run time, in a form that type checkers can follow."""

        __abstract__ = True

        def __init__(self, **columns: Any) -> None: ...

else:
    Model = db.Model
