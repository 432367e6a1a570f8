"""Jinja2 that can do nothing but make text: a template of somebody's and plain values come in, the text goes out. Pure.

A template sees mappings, lists, texts, numbers and instants, and the filters named here; there is no attribute, method or call
behind them. All that costs time or memory is counted while it runs: rounds of loops by what stands in them, values by their size,
text by its length. Whatever is wrong is `Invalid` with the line. Next: `build` makes paragraphs of texts; `definitions` makes
sections of templates.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, meta, nodes, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from services.kit.errors import Invalid
from services.reports.filters import FILTERS, MAX_TEXT, TESTS, Filter, kind, plain

MAX_SOURCE, MAX_OUTPUT = 100_000, MAX_TEXT
"""Characters of a template, and of what it makes."""
MAX_ROUNDS = 100_000
"""Of all loops together."""
MAX_STEPS = 3_000_000
"""Of everything: about a second's work."""
MAX_NODES, MAX_DEPTH = 10_000, 60
"""Of the tree of a template, so that reading it is quick, too."""
MAX_BITS = 256
"""Of whole numbers."""

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign, nodes.With, nodes.Name, nodes.Const,
    nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call,
    nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or,
    nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow,
)  # fmt: skip
_LOOP = ("index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem")
# What the rewritten tree calls; no template can write such names.
_ROUNDS, _WEIGHED, _JOINED = "0 rounds", "0 weighed", "0 joined"
_FAULTS = (
    TemplateError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError, SyntaxError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that a template takes from outside, as in `figures.signups`."""

    name: str
    key: str
    """What it takes of it; empty where that is known only when it runs, and where it takes all of it."""
    line: int


def render(
    source: str, values: Mapping[str, object], field: str, filters: Mapping[str, Filter] | None = None
) -> str:
    """The text that a template makes of these values; `filters` come beside the usual ones."""
    environment = _Sandbox(filters or {})
    parts: list[str] = []
    length = 0
    try:
        template = environment.from_string(environment.rewritten(environment.read(source)))
        for part in template.generate(values):
            length += len(part)
            if length > MAX_OUTPUT:
                raise TemplateError(f"makes more than {MAX_OUTPUT} characters; write less in its loops")
            parts.append(part)
    except _FAULTS as error:
        raise _invalid(field, error) from error
    return "".join(parts)


def references(source: str, field: str, filters: Iterable[str] = ()) -> list[Reference]:
    """What a template takes from outside; raises `Invalid` for one that could not run whatever the values are."""
    environment = _Sandbox(dict.fromkeys(filters, str))
    try:
        tree = environment.read(source)
        # A value may be called range, too.
        environment.globals = {}
        outside = meta.find_undeclared_variables(tree)
    except _FAULTS as error:
        raise _invalid(field, error) from error
    found: list[Reference] = []
    taken = {id(call.node) for call in tree.find_all(nodes.Call)}
    taking: Iterable[Any] = tree.find_all((nodes.Getattr, nodes.Getitem))
    for node in taking:
        if isinstance(node.node, nodes.Name) and node.node.name in outside:
            key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", "")
            found.append(Reference(node.node.name, key if isinstance(key, str) else "", node.lineno))
            taken.add(id(node.node))
    found += [
        Reference(name.name, "", name.lineno)
        for name in tree.find_all(nodes.Name)
        if name.name in outside and id(name) not in taken
    ]
    return sorted(found, key=lambda each: each.line)


class _Nothing(StrictUndefined):
    """A value that is not there; says so as soon as it is used."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if isinstance(self._undefined_obj, Mapping) and self._undefined_obj:
            known = ", ".join(repr(key) for key in list(self._undefined_obj)[:20])
            return f"there is no {self._undefined_name!r}; there are {known}"
        return f"there is no {self._undefined_name!r}"


class _Sandbox(ImmutableSandboxedEnvironment):
    """What one rendering runs in; it counts what that costs."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self, filters: Mapping[str, Filter]) -> None:
        super().__init__(
            undefined=_Nothing, trim_blocks=True, lstrip_blocks=True, autoescape=False, finalize=_written
        )
        self._steps, self._rounds = MAX_STEPS, MAX_ROUNDS
        self.globals = {"range": self._range}
        self.tests = {
            name: test if name in ("defined", "undefined") else self._weighing(test)
            for name, test in TESTS.items()
        }
        self.filters = {name: self._weighing(each) for name, each in {**FILTERS, **filters}.items()} | {
            "default": pass_context(lambda _, *given: self._default(*given)),
            _ROUNDS: pass_context(lambda _, value, cost: self._counted(value, cost)),
            _WEIGHED: self._weighing(lambda value: value),
            _JOINED: self._weighing(lambda values: "".join(plain(value) for value in values)),
        }
        self.filters["d"] = self.filters["default"]

    def read(self, source: str) -> nodes.Template:
        """The tree of a template; raises a fault for what no template may hold."""
        if len(source) > MAX_SOURCE:
            raise TemplateError(f"has {len(source)} characters; write at most {MAX_SOURCE}")
        tree = self.parse(source)
        below: list[tuple[nodes.Node, int, int]] = [(tree, 0, 1)]
        count = 0
        while below:
            node, depth, line = below.pop()
            count += 1
            line = node.lineno or line
            if count > MAX_NODES:
                raise TemplateSyntaxError(f"has more than {MAX_NODES} parts; make it smaller", line)
            if depth > MAX_DEPTH:
                raise TemplateSyntaxError("is nested too deeply; write it flatter", line)
            if fault := self._fault(node):
                raise TemplateSyntaxError(fault, line)
            below.extend((child, depth + 1, line) for child in node.iter_child_nodes())
        return tree

    def rewritten(self, tree: nodes.Template) -> nodes.Template:
        """The tree with a count at everything that may cost much."""
        _Counting().visit(tree)
        return tree

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: of mappings their values, of a loop where it stands, of nothing else anything."""
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]` of mappings, lists and texts."""
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        if isinstance(obj, Sequence) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return _Nothing(obj=obj, name=argument if isinstance(argument, str) else repr(argument)[:100])

    def is_safe_callable(self, obj: Any) -> bool:
        """`range` alone is called."""
        return bool(obj == self._range)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`left operator right` of numbers; `+` of two texts or two lists, too."""
        for value in (left, right):
            self._weigh(value)
        if isinstance(left, int | float) and isinstance(right, int | float):
            if operator == "**" and isinstance(left, int) and isinstance(right, int):
                left = left if left.bit_length() * abs(right) <= MAX_BITS else float(left)
            found = super().call_binop(context, operator, left, right)
            if isinstance(found, complex):
                raise ValueError(f"{left} ** {right} is no number")
        elif operator == "+" and type(left) is type(right) and isinstance(left, str | list):
            found = left + right
        else:
            raise TypeError(f"{operator} does not take {kind(left)} and {kind(right)}")
        self._weigh(found)
        return found

    def _fault(self, node: nodes.Node) -> str:
        """Why no template may hold this part; empty where it may."""
        match node:
            case nodes.For(recursive=True):
                return "loops may not call themselves"
            case nodes.Name(name=name) | nodes.Getattr(attr=name) if name.startswith("_"):
                return f"{name[:100]!r} is not to be had; names begin with a letter"
            case nodes.Call() if not (isinstance(node.node, nodes.Name) and node.node.name == "range"):
                return "nothing can be called but range(…); filters are written as in value | number"
            case nodes.Call() | nodes.Filter() | nodes.Test() if node.dyn_args or node.dyn_kwargs:
                return "arguments are written one by one"
            case nodes.Filter(name=name) if name not in self.filters:
                return f"there is no filter {name[:100]!r}; there are {_listed(self.filters)}"
            case nodes.Filter(node=None):
                return "blocks have no filters; write it behind the value"
            case nodes.Test(name=name) if name not in self.tests:
                return f"there is no test {name[:100]!r}; there are {_listed(self.tests)}"
        if not isinstance(node, _ALLOWED):
            return f"{type(node).__name__.lower()} is not to be had; there are for, if, set and with"
        return ""

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise TemplateError("takes too much work; loop over less, and keep values small")

    def _weigh(self, value: object) -> None:
        """Counts all that is in a value; what holds itself many times over is as heavy as it would be written out."""
        below = [value]
        while below:
            value = below.pop()
            self._spend(1)
            if isinstance(value, str):
                self._spend(len(value) >> 4)
                if len(value) > MAX_OUTPUT:
                    raise TemplateError(f"makes a text of more than {MAX_OUTPUT} characters; make it shorter")
            elif isinstance(value, int):
                if value.bit_length() > MAX_BITS:
                    raise OverflowError("a number is too large")
            elif isinstance(value, range):
                self._spend(len(value))
            elif isinstance(value, Mapping):
                self._spend(len(value))
                below.extend(value.values())
            elif isinstance(value, list | tuple):
                self._spend(len(value))
                below.extend(value)
            elif isinstance(value, Undefined):
                str(value)  # Raises what is not there.

    def _weighing(self, function: Filter) -> Filter:
        """The function with its values weighed before, and what it gives after."""

        def weighed(_: Context, *given: object, **named: object) -> object:
            # With the context it is not tried while the template is only read.
            for value in (*given, *named.values()):
                self._weigh(value)
            found = function(*given, **named)
            self._weigh(found)
            return found

        return pass_context(weighed)

    def _counted(self, values: Iterable[object], cost: int) -> Iterator[object]:
        """The values that a loop goes through."""
        for value in values:
            self._rounds -= 1
            if self._rounds < 0:
                raise TemplateError(f"loops for more than {MAX_ROUNDS} rounds; loop over less")
            self._spend(cost)
            yield value

    @staticmethod
    def _range(*bounds: int) -> range:
        found = range(*bounds)
        if max(abs(found.start), abs(found.stop)).bit_length() > 32 or len(found) > MAX_ROUNDS:
            raise ValueError(f"range has more than {MAX_ROUNDS} numbers")
        return found

    @staticmethod
    def _default(value: object, instead: object = "", even_false: bool = False) -> object:
        return instead if isinstance(value, Undefined) or (even_false and not value) else value


class _Counting(NodeTransformer):
    """Puts the counting filters into a tree."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """Loops count their rounds, by what stands in them."""
        cost = 1 + sum(1 for _ in node.find_all(nodes.Node))
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _ROUNDS, cost)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        """What is compared is weighed."""
        self.generic_visit(node)
        node.expr = _filtered(node.expr, _WEIGHED)
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, _WEIGHED)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        """What is sliced is weighed."""
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filtered(node.node, _WEIGHED)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """What is joined is weighed before and after."""
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno, environment=node.environment), _JOINED)


def _filtered(node: Any, name: str, *arguments: int) -> nodes.Filter:
    place = {"lineno": node.lineno, "environment": node.environment}
    given = [nodes.Const(each, **place) for each in arguments]
    return nodes.Filter(node, name, given, [], None, None, **place)


@pass_context
def _written(_: Context, value: object) -> str:
    """A value as it is written; with the context it is not tried while the template is only read."""
    if isinstance(value, Undefined):
        return str(value)
    return plain(value)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(name for name in names if name.isidentifier()))


def _invalid(field: str, error: BaseException) -> Invalid:
    """What is wrong, with its line: where the template was read, or where it stood."""
    line = getattr(error, "lineno", None)
    trace = error.__traceback__
    while line is None and trace is not None:
        # Jinja2 gives its templates frames of this name, with the lines of their sources.
        if trace.tb_frame.f_code.co_filename in ("<template>", "<unknown>"):
            line = trace.tb_lineno
        trace = trace.tb_next
    text = str(getattr(error, "message", None) or error) or "cannot be read"
    if "set_int_max_str_digits" in text:
        text = "a number has too many digits"
    if isinstance(error, RecursionError | MemoryError | SyntaxError):
        line, text = None, "is nested too deeply; write it flatter"
    return Invalid(field, f"line {line}: {text[:1000]}" if line else text[:1000])
