"""The user's constraints as factors."""

from collections.abc import Mapping

from netsolve.expression import Expression, ExpressionError, Reference, resolve
from netsolve.locate import Path
from netsolve.ops.base import Formula, Mismatch
from netsolve.posing.draft import Draft
from netsolve.posing.layer import LayerTrace, operand
from netsolve.problem import Label, Operand


def constrain(draft: Draft, expression: Expression, path: Path, layers: Mapping[str, LayerTrace]) -> None:
    """State a user's constraint."""
    operands: dict[Reference, Operand] = {}
    blocks = draft.network.blocks
    known = {**blocks, **layers} if blocks else layers
    for reference in expression.references:
        try:
            target = resolve(reference, known, draft.network.inputs, draft.unknowns, expression.text)
            owner = blocks.get(target.owner, target.owner)
            if owner in layers and owner not in draft.shapes:
                return
            operands[reference] = _named(draft, target.owner, target.attribute, target.index, layers)
        except ExpressionError as error:
            draft.mistake(f"constraints[{path[-1]}]", str(error), "", path)
            return
        except Mismatch as error:
            text, remedy, *_ = (*error.args, "")
            shown = ExpressionError(f"{text} ({remedy})" if remedy else text, reference.column, expression.text)
            draft.mistake(f"constraints[{path[-1]}]", str(shown), "", path)
            return
    order = tuple(operands)
    formula = Formula(lambda *v: expression.evaluate(dict(zip(order, v, strict=True)).__getitem__), map(str, order))
    cases = frozenset(i for i, reference in enumerate(order) if reference in expression.cases)
    draft.relate(Label("", f"the constraint {expression.text}", path), formula, tuple(operands.values()), cases)


def _named(
    draft: Draft, owner: str, attribute: str | None, index: int | None, layers: Mapping[str, LayerTrace]
) -> Operand:
    """What a name in a constraint stands for. Raises Mismatch, with a text for the user, where it is nothing."""
    if owner in draft.unknowns and attribute is None:
        return draft.unknowns[owner]
    if owner in draft.network.inputs or attribute == "out":
        shape = draft.shapes[draft.network.blocks.get(owner, owner)]
        if index is None or index >= len(shape):
            wanted = f"{owner}.out" if attribute else owner
            msg = f"{wanted} is a list of {len(shape)}: write {wanted}[0] to {wanted}[{len(shape) - 1}]"
            raise Mismatch(msg)
        return operand(shape[index])
    if owner in draft.network.blocks:
        msg = f"{owner} is a block: of it there is {owner}.out, and behind its name those of its layers"
        raise Mismatch(msg)
    return layers[owner].number(attribute or "", index)
