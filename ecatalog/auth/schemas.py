"""Bodies of the token routes."""

from __future__ import annotations

from typing import Any

from ecatalog.fields import Text, check_characters
from ecatalog.smorest import AnswerSchema, Schema


class Password(Text):
    """Text as it was typed: white space counts."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not value:
            raise self.make_error("blank")
        if len(value) > self.max_length:
            raise self.make_error("max_length", limit=self.max_length)
        return check_characters(value)


AS_TYPED = {"type": "string", "format": "password", "minLength": 1}


class Credentials(Schema):
    username = Text(required=True)
    password = Password(required=True, load_only=True, metadata=AS_TYPED)


class RefreshBody(Schema):
    refresh = Text(required=True)


class AnyToken(Schema):
    token = Text(required=True)


class TokenPairSchema(AnswerSchema):
    access = Text(required=True, metadata={"description": "For `Authorization: Bearer …`; lives one hour."})
    refresh = Text(required=True, metadata={"description": "Good for one refresh; lives seven days."})


class Refusal(AnswerSchema):
    """Why the credentials or the token were not taken."""

    detail = Text(required=True)
    code = Text(allow_none=False, metadata={"description": "`token_not_valid`; absent when signing in."})


class Nothing(AnswerSchema):
    """`{}`"""
