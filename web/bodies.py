"""Bodies of requests into structs: strictly, within a size and a time, and with an error for each field that cannot be taken.

JSON is decoded as it is: nothing is coerced, unknown fields are refused. Forms have only texts, so numbers are read out of them, and
everything wrong is reported at once, so that the form can be shown again with what was typed.
"""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import inspect as shapes
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from chatsvc.kernel.errors import Invalid, Refused

S = TypeVar("S", bound=msgspec.Struct)

# Largest body of a request without files.
PLAIN_BYTES: Final = 1_048_576
# What a multipart body may have beside its files: boundaries, names, other fields.
_AROUND_FILES_BYTES: Final = 1_048_576
# A body arrives within this time, or the request is given up (threat T22); one with files may take longer, but not fall silent.
BODY_WITHIN_S: Final = 30.0
FILES_WITHIN_S: Final = 900.0

_FIELD: Final = re.compile(r"at `\$\.?(?P<path>[^`]*)`$")
_NAME: Final = re.compile(r"field `(?P<name>[^`]*)`")


class TooLarge(Refused):
    """More was sent than is taken."""

    status = 413


class TooSlow(Refused):
    """The body did not arrive in time."""

    status = 408


class Unreadable(Refused):
    """What was sent is not what its type says."""

    status = 400


@dataclass(frozen=True)
class FieldError:
    """One field that cannot be taken, and why: a key of ``web.texts.ERRORS`` with what fills its sentence."""

    field: str
    key: str
    facts: Mapping[str, object] = dataclasses.field(default_factory=dict)


class FormInvalid(Exception):
    """A form to be shown again."""

    def __init__(self, errors: Sequence[FieldError], typed: Mapping[str, Any]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.key}" for error in errors))
        self.errors = tuple(errors)
        # What was typed, by field; passwords left out.
        self.typed = typed


def bounded(receive: Receive, *, most_bytes: int, within_s: float) -> Receive:
    """Return ``receive`` with a limit of size and time.

    Raises, when called:
        TooLarge, TooSlow: the limit is reached.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    received = 0

    async def limited() -> Message:
        nonlocal received
        try:
            async with asyncio.timeout_at(min(deadline, asyncio.get_running_loop().time() + BODY_WITHIN_S)):
                message = await receive()
        except TimeoutError:
            raise TooSlow("too_slow") from None
        received += len(message.get("body", b""))
        if received > most_bytes:
            raise TooLarge("too_large")
        return message

    return limited


def with_files_bytes(*, most_bytes: int, most_files: int) -> int:
    """Return how large a form with files may be, given one file's limit and their number."""
    return most_bytes * most_files + _AROUND_FILES_BYTES


def refuse_announced(request: Request, most_bytes: int) -> None:
    """Refuse a body that says itself that it is too large, before it is read.

    Raises:
        TooLarge: it is.
        Unreadable: the announcement is no number.
    """
    announced = request.headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit():
        raise Unreadable("unreadable")
    if int(announced[:20]) > most_bytes:
        raise TooLarge("too_large")


# JSON -------------------------------------------------------------------------------------------------------------------


async def json_body(request: Request, into: type[S]) -> S:
    """Read a JSON body.

    Raises:
        Unreadable: it is not JSON, or not announced as such.
        Invalid: a field is missing, unknown, of another type, or out of bounds.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Unreadable("body.not_json")
    return decode_json(await body_of(request), into)


def decode_json(body: bytes, into: type[S]) -> S:
    """Decode JSON; raises as ``json_body`` does."""
    try:
        return msgspec.json.decode(body, type=into)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("body.not_json") from None


def query_of(request: Request, into: type[S], *, by_form: bool) -> S:
    """Read the part of the address behind the question mark; numbers are read out of text, unknown names are refused.

    Args:
        request: whose address it is.
        into: what may stand there.
        by_form: whether a form of a page may have made it: that sends each of its inputs, so that an empty text counts as not given.

    Raises:
        Invalid: as for a body.
    """
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if by_form and not value.strip():
            continue
        if name in given:
            raise Invalid("field.value", field=name[:100])
        given[name] = value
    try:
        return msgspec.convert(given, into, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None


def _refusal(text: str) -> Invalid:
    """Make a refusal of the decoder's words; they themselves never leave the process."""
    named, at = _NAME.search(text), _FIELD.search(text)
    path = at["path"] if at else ""
    if text.startswith("Object missing required field") and named:
        return Invalid("field.missing", field=".".join(filter(None, (path, named["name"]))))
    if text.startswith("Object contains unknown field") and named:
        return Invalid("field.unknown", field=".".join(filter(None, (path, named["name"])))[:100])
    key = "field.type" if ", got" in text else "field.value"
    return Invalid(key, field=path[:100] or None)


async def body_of(request: Request) -> bytes:
    """Read a body as it came.

    Raises:
        Unreadable: it broke off.
    """
    try:
        return await request.body()
    except ClientDisconnect:
        raise Unreadable("unreadable") from None


# Forms ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """A form as it arrived: texts by name, in order, and files."""

    texts: Mapping[str, tuple[str, ...]]
    files: tuple[UploadFile, ...]


async def form_body(request: Request, *, most_files: int = 0) -> Form:
    """Read a form's body, with files or without.

    Raises:
        Unreadable: it is not a form.
        Invalid: there are more files than ``most_files``.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind and request.headers.get("content-length", "0") == "0":
        return Form({}, ())  # a button without fields, pressed by a program
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Unreadable("unreadable")
    try:
        data = await request.form(max_files=most_files + 1, max_fields=200, max_part_size=PLAIN_BYTES)
    except (MultiPartException, ClientDisconnect, UnicodeDecodeError, KeyError, ValueError):
        raise Unreadable("unreadable") from None
    except Exception as error:
        # Without an application around it, Starlette translates a broken form into its own HTTP error.
        if type(error).__name__ != "HTTPException":
            raise
        raise Unreadable("unreadable") from None
    files = tuple(value for value in data.getlist("files") if isinstance(value, UploadFile) and _is_chosen(value))
    files += tuple(value for value in data.getlist("file") if isinstance(value, UploadFile) and _is_chosen(value))
    if len(files) > most_files:
        raise Invalid("file.too_many", field="files", limit=most_files)
    return Form(_texts(data), files)


def _is_chosen(file: UploadFile) -> bool:
    """Whether somebody chose a file; browsers send an empty part for a field that was left alone."""
    return bool(file.filename) or bool(file.size)


def _texts(data: FormData) -> dict[str, tuple[str, ...]]:
    texts: dict[str, list[str]] = {}
    for name, value in data.multi_items():
        if isinstance(value, str) and (value or name not in ("files", "file")):
            # Browsers end lines of a text area with CR LF; NUL is no text, and PostgreSQL takes none.
            texts.setdefault(name, []).append(value.replace("\r\n", "\n").replace("\0", ""))
    return {name: tuple(values) for name, values in texts.items()}


async def chunks_of(file: UploadFile) -> AsyncIterator[bytes]:
    """Read a received file piece by piece."""
    while chunk := await file.read(65_536):
        yield chunk


def form_into(form: Form, into: type[S]) -> S:
    """Make a struct out of a form.

    A field whose type is a mapping collects the inputs called ``name.key``; one whose type is a sequence collects all of its name. An empty
    text counts as not given where the field may be left out.

    Raises:
        FormInvalid: with everything that is wrong.
        Unreadable: there is a field that the form does not have; no honest browser sends one.
    """
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    rest = dict(form.texts)
    for each in _inputs(into):
        given = _given(each, rest)
        if given is None:
            if each.required:
                errors.append(FieldError(each.name, "required" if each.is_text else "choose"))
            continue
        error = _wrong(each, given)
        if error is None:
            values[each.name] = given
        else:
            errors.append(error)
    if rest:
        raise Unreadable("unreadable", fields=sorted(rest)[:5])
    if errors:
        raise FormInvalid(errors, typed_in(form))
    return msgspec.convert(values, into, strict=False)


def typed_in(form: Form) -> dict[str, str]:
    """Return what was typed, by name, to show it again; passwords are typed again."""
    return {name: texts[-1] for name, texts in form.texts.items() if "password" not in name}


class _Input(NamedTuple):
    """A field of a struct, as a form's input."""

    name: str
    # The annotation, for converting, and what msgspec makes of it.
    kind: Any
    shape: shapes.Type
    required: bool

    @property
    def is_text(self) -> bool:
        """Whether people type it, rather than choose it."""
        return isinstance(self.shape, shapes.StrType)


@cache
def _inputs(into: type[msgspec.Struct]) -> tuple[_Input, ...]:
    found = []
    for each in msgspec.structs.fields(into):
        shape = shapes.type_info(each.type)
        if isinstance(shape, shapes.UnionType):
            shape = next(kind for kind in shape.types if not isinstance(kind, shapes.NoneType))
        while isinstance(shape, shapes.Metadata):
            shape = shape.type
        found.append(_Input(each.encode_name, each.type, shape, each.required))
    return tuple(found)


def _given(each: _Input, rest: dict[str, tuple[str, ...]]) -> Any:
    """Take a field's inputs out of ``rest``; None when nothing was given."""
    if isinstance(each.shape, shapes.DictType):
        prefix = each.name + "."
        names = [name for name in rest if name.startswith(prefix)]
        return {name.removeprefix(prefix): text for name in names if (text := rest.pop(name)[-1])}
    texts = rest.pop(each.name, None)
    if isinstance(each.shape, shapes.VarTupleType | shapes.ListType):
        return [text for text in texts or () if text]
    if texts is None or (not texts[-1].strip() and not _may_be_empty(each.shape)):
        return None
    return texts[-1]


def _may_be_empty(shape: shapes.Type) -> bool:
    return isinstance(shape, shapes.StrType) and not shape.min_length


def _wrong(each: _Input, given: Any) -> FieldError | None:
    longest = each.shape.max_length if isinstance(each.shape, shapes.StrType) else None
    if longest is not None and len(given) > longest:
        return FieldError(each.name, "too_long", {"limit": longest})
    try:
        msgspec.convert(given, each.kind, strict=False)
    except msgspec.ValidationError:
        key = "field.value" if each.is_text else "field.number" if isinstance(each.shape, shapes.IntType) else "choose"
        return FieldError(each.name, key)
    return None
