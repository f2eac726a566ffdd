"""Named tuples of arrays handed to kernels by their address.

Numba passes a named tuple by value: one of twenty arrays is 170 arguments, copied at every call and compiled at every
call. The walk over options takes four of them through a hundred functions; by value that compiled for 155 s, by address
for a third of it. Kernels read `books.pos` either way, and the plain form takes the named tuple itself.

Importing this module imports numba: only rooms that hold kernels do.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, typeof
from numba.core import types
from numba.core.datamodel import models
from numba.core.imputils import impl_ret_borrowed, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, intrinsic, register_model, typeof_impl, unbox

BYTES_A_FIELD = 256  # an array of three dimensions takes 88


class Pinned:
    """A named tuple of arrays and numbers at a fixed address; it must outlive the call that gets it.

    Arrays may be written, by kernels too. Numbers are those of the moment of pinning, or of the last `update`.
    Kernels that take one count no references (`_nrt`): the counters of its arrays are gone once they are laid down.
    """

    def __init__(self, fields: Any) -> None:
        self.fields = fields
        self.kind = PinnedType(typeof(fields))
        self._memory = np.zeros(BYTES_A_FIELD * len(fields), dtype=np.uint8)
        self.address = int(self._memory.ctypes.data)
        _put(self.address, fields)

    def update(self, fields: Any) -> None:
        """Take the numbers of another tuple of the same types; bool, int and float alone, no arrays.

        Ten times as fast as pinning anew, which asks Numba for the type of every field.
        """
        self.fields = fields
        for kind, at, places in self._numbers:
            self._memory.view(kind)[places] = [fields[i] for i in at]

    @cached_property
    def _numbers(self) -> list[tuple[Any, list[int], list[int]]]:
        """(type, fields of it, their places in memory), laid out as C does: a byte for a bool, eight for a number."""
        found: dict[Any, tuple[list[int], list[int]]] = {}
        end = 0
        for i, value in enumerate(self.fields):
            kind: Any = np.float64
            if isinstance(value, int):
                kind = np.uint8 if isinstance(value, bool) else np.int64
            size = np.dtype(kind).itemsize
            end = -(-end // size) * size
            at, places = found.setdefault(kind, ([], []))
            at.append(i)
            places.append(end // size)
            end += size
        return [(kind, at, places) for kind, (at, places) in found.items()]


class PinnedType(types.Type):
    def __init__(self, inner: Any) -> None:
        self.inner = inner
        super().__init__(name=f"Pinned({inner})")


@register_model(PinnedType)
class PinnedModel(models.OpaqueModel):
    """A pointer."""


@typeof_impl.register(Pinned)
def _typeof(value: Pinned, _: Any) -> PinnedType:
    return value.kind


@unbox(PinnedType)
def _unbox(_: Any, value: Any, c: Any) -> Any:
    held = c.pyapi.object_getattr_string(value, "address")
    address = c.pyapi.long_as_longlong(held)
    c.pyapi.decref(held)
    return NativeValue(c.builder.inttoptr(address, ir.IntType(8).as_pointer()))


@intrinsic
def _store(_: Any, address: Any, value: Any) -> Any:
    """Lay a named tuple down at an address."""

    def write(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = context.get_value_type(signature.args[1])
        builder.store(given[1], builder.inttoptr(given[0], kind.as_pointer()))
        return context.get_dummy_value()

    return types.none(types.intp, value), write


@njit
def _put(address: int, fields: Any) -> None:
    _store(address, fields)  # type: ignore[call-arg]


@infer_getattr
class PinnedFields(AttributeTemplate):
    key = PinnedType

    def generic_resolve(self, kind: Any, name: str) -> Any:  # type: ignore[override]
        fields = kind.inner.fields
        return tuple(kind.inner)[fields.index(name)] if name in fields else None


@lower_getattr_generic(PinnedType)
def _get(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    at = kind.inner.fields.index(name)
    struct = builder.bitcast(value, context.get_value_type(kind.inner).as_pointer())
    place = builder.gep(
        struct, [ir.Constant(ir.IntType(32), 0), ir.Constant(ir.IntType(32), at)], inbounds=True
    )
    return impl_ret_borrowed(context, builder, tuple(kind.inner)[at], builder.load(place))
