"""Names for Python code that netsolve writes: valid, short, unique, and none of Python's or torch's own."""

import builtins
import keyword
import re
from collections.abc import Iterable

LONGEST = 24
"""Signs of a name: lines of code stay readable."""

_OF_MODULES = """
T_destination add_module append apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
eval extend extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half insert ipu
load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters pop
register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to
to_empty train training type xpu zero_grad
"""
OF_MODULES = frozenset(_OF_MODULES.split())
"""What torch has under `self` in a module, or in an nn.Sequential."""

OF_CODE = frozenset({"self", "torch", "nn", "functional", "center_crop", *dir(builtins)})
"""What the code itself calls, and what Python has under names of its own."""

OF_CLASSES = frozenset({"Tensor", "None", "True", "False"})


class Names:
    """The names of one scope."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        """Note what may not be used."""
        self.taken = set(taken)
        self.numbers: dict[str, int] = {}

    def claim(self, wish: str, *endings: str, mark: str = "_") -> str:
        """A name that is free, as near to the wish as can be; also free with each of the endings.

        mark: what stands before the number that makes it another one.
        """
        name, number = wish, self.numbers.get(wish, 1)
        while any(name + ending in self.taken for ending in ("", *endings)):
            number += 1
            name = f"{wish}{mark}{number}"
        self.numbers[wish] = number
        self.taken.update(name + ending for ending in ("", *endings))
        return name


def identifier(text: str) -> str:
    """A variable's or attribute's name from any text."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII)
    name = re.sub(r"__+", "_", name).strip("_")[:LONGEST].rstrip("_")
    if not name or name[0].isdigit():
        name = f"layer_{name}".rstrip("_")
    return f"{name}_" if keyword.iskeyword(name) else name


def class_name(text: str) -> str:
    """A class's name from any text."""
    words = re.findall(r"[A-Za-z0-9]+", text)
    name = "".join(word[0].upper() + word[1:] for word in words)[:LONGEST]
    return name if name and not name[0].isdigit() else f"Net{name}"


def sentence(text: str) -> str:
    """A text that may stand in a docstring: printable, on one line, without what would end it."""
    return "".join(c for c in text if c.isprintable() and c not in '\\"')[:60].strip()
