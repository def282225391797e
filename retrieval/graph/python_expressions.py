"""What expressions of Python stand for, by annotations, constructors and what functions return."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import lru_cache

from devflow.analysis.facts import SymbolKind
from devflow.analysis.local_values import Bound
from devflow.analysis.python_ast import python_expression, python_statement
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.modules import Modules
from devflow.retrieval.graph.python_scopes import DEEPEST, OUTSIDE, Local, PythonNames, Value, value_of
from devflow.retrieval.graph.stored import File, Stored

_WRAPPERS = frozenset(
    """Optional Annotated Final ClassVar Required NotRequired ReadOnly Awaitable Coroutine Type type
    InitVar""".split()  # noqa: SIM905
)
_HOLDING = frozenset(
    """list List set Set frozenset FrozenSet tuple Tuple Sequence Iterable Iterator Collection deque
    Generator AsyncIterator AsyncGenerator AsyncIterable MutableSequence Counter QuerySet""".split()  # noqa: SIM905
)
_MAPPING = frozenset(["dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict"])


class PythonValues:
    """Evaluates expressions where names mean what `names` says."""

    def __init__(self, stored: Stored, modules: Modules, names: PythonNames) -> None:
        self._stored = stored
        self._modules = modules
        self._names = names
        self._bases: dict[Definition, list[Value]] = {}
        self._returned: dict[Definition, Value | None] = {}

    def name(self, file: File, name: str, at: int, depth: int = 0, *, types: bool = False) -> Value | None:
        """What a plain name means at `at`."""
        found = self._names.name(file, name, at, types=types)
        return self._local(file, found, depth + 1) if isinstance(found, Local) else found

    def bases(self, definition: Definition) -> list[Value]:
        """What the head of a class names as its bases, as far as that is known."""
        known = self._bases.get(definition)
        if known is not None:
            return known
        self._bases[definition] = found = []
        tree = _head(definition.signature)
        file = self._stored.file(definition.root, definition.file)
        for base in tree.bases if tree is not None else ():
            expression = base.value if isinstance(base, ast.Subscript) else base
            value = self.evaluate(expression, file, definition.start, 0)
            found.append(value if value is not None else Value("unknown"))
        return found

    def member(self, owner: Definition, name: str, *, beyond: bool = False, depth: int = 0) -> Value | None:
        """The member a class has under this name, its own or of the nearest base that has it; `beyond`
        starts at the bases. None: nobody knows; `OUTSIDE`: of a base that is not in the workspace."""
        file = self._stored.file(owner.root, owner.file)
        if not beyond:
            own = file.named(owner.qualified_name, name)
            if own:
                return value_of(own[-1] if own[-1].kind in FUNCTION_LIKE | CLASS_LIKE else own[0], file)
        if depth > DEEPEST:
            return None
        unknown = False
        outside = False
        for base in self.bases(owner):
            if base.what == "class" and base.definition is not None:
                found = self.member(base.definition, name, depth=depth + 1)
                if found is not None and found is not OUTSIDE:
                    return found
                outside = outside or found is OUTSIDE
            elif base.what == "outside":
                outside = True
            else:
                unknown = True
        return OUTSIDE if outside and not unknown else None

    def _local(self, file: File, local: Local, depth: int) -> Value | None:
        """What a local holds at a line of its function: by its last binding before, else its first."""
        if depth > DEEPEST:
            return None
        bindings = local.read.names[local.name]
        before = [each for each in bindings if each.line < local.line] or bindings[:1]
        annotated = next((each for each in bindings if each.annotation is not None), None)
        if annotated is not None and annotated.annotation is not None:
            return self.annotated(annotated.annotation, file, local.scope.start, depth + 1)
        bound = before[-1]
        return (
            self._parameter(file, local)
            if bound.how == "parameter"
            else self._bound(file, local, bound, depth)
        )

    def _parameter(self, file: File, local: Local) -> Value | None:
        scope, read = local.scope, local.read
        if scope.kind is SymbolKind.FUNCTION or not read.parameters or read.parameters[0] != local.name:
            return None
        decorators = {each.id for each in read.decorators if isinstance(each, ast.Name)}
        if "staticmethod" in decorators:
            return None
        owner = self._names.owner(file, scope)
        if owner is None:
            return None
        of_class = "classmethod" in decorators or scope.name in (
            "__new__",
            "__init_subclass__",
            "__class_getitem__",
        )
        return Value("class" if of_class else "instance", owner, file, why="self")

    def _bound(self, file: File, local: Local, bound: Bound, depth: int) -> Value | None:
        if bound.value is None:
            return None
        at = self._names.offset(local.scope, bound.line)
        value = self.evaluate(bound.value, file, at, depth + 1)
        if value is None or value is OUTSIDE:
            return value
        if bound.how == "with":
            return self._entered(value, depth + 1)
        if bound.how == "element":
            return (
                Value("instance", value.definition, value.file, 0.8, "type")
                if value.what == "holder"
                else None
            )
        if bound.how == "caught":
            return (
                Value("instance", value.definition, value.file, 1.0, "type")
                if value.what == "class"
                else None
            )
        return value if bound.how == "value" else None

    def evaluate(self, node: ast.expr | None, file: File, at: int, depth: int = 0) -> Value | None:
        """What an expression that stands at `at` is."""
        if node is None or depth > DEEPEST:
            return None
        if isinstance(node, ast.Name):
            return self.held(self.name(file, node.id, at, depth + 1), depth + 1)
        if isinstance(node, ast.Attribute):
            base = self.evaluate(node.value, file, at, depth + 1)
            return self.held(self.attribute(base, node.attr), depth + 1) if base is not None else None
        if isinstance(node, ast.Call):
            return self._call(node, file, at, depth)
        if isinstance(node, (ast.Await, ast.NamedExpr, ast.Starred)):
            return self.evaluate(node.value, file, at, depth + 1)
        if isinstance(node, ast.Subscript):
            base = self.evaluate(node.value, file, at, depth + 1)
            if base is not None and base.what == "holder":
                return Value("instance", base.definition, base.file, 0.8, "type")
            return base if base is OUTSIDE or (base is not None and base.what == "class") else None
        if isinstance(node, (ast.BoolOp, ast.IfExp)):
            options = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            found = [self.evaluate(each, file, at, depth + 1) for each in options]
            return next((each for each in found if each is not None and each is not OUTSIDE), None)
        if isinstance(node, (ast.List, ast.Set, ast.Tuple)) and node.elts:
            first = self.evaluate(node.elts[0], file, at, depth + 1)
            if first is not None and first.what == "instance" and not isinstance(node, ast.Tuple):
                return Value("holder", first.definition, first.file, 0.8, "type")
            return OUTSIDE
        if isinstance(
            node,
            (
                ast.Constant,
                ast.JoinedStr,
                ast.Dict,
                ast.List,
                ast.Set,
                ast.Tuple,
                ast.ListComp,
                ast.DictComp,
                ast.SetComp,
                ast.Compare,
                ast.GeneratorExp,
            ),
        ):
            return None if isinstance(node, ast.Constant) and node.value is None else OUTSIDE
        return None

    def _call(self, node: ast.Call, file: File, at: int, depth: int) -> Value | None:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            around = file.around(at)
            owner = next((each for each in reversed(around) if each.kind in CLASS_LIKE), None)
            return Value("super", owner, file, why="self") if owner is not None else None
        if isinstance(node.func, ast.Name) and node.func.id == "cast" and len(node.args) == 2:
            return self.annotated(node.args[0], file, at, depth + 1)
        called = self.evaluate(node.func, file, at, depth + 1)
        if (
            called is OUTSIDE
            and isinstance(node.func, ast.Name)
            and node.func.id in ("list", "sorted", "set", "tuple")
            and node.args
        ):
            inner = self.evaluate(node.args[0], file, at, depth + 1)
            return inner if inner is not None and inner.what == "holder" else OUTSIDE
        return self._called(called, depth + 1)

    def _called(self, value: Value | None, depth: int) -> Value | None:
        if value is None or value is OUTSIDE or value.definition is None:
            return value if value is OUTSIDE else None
        if value.what == "class":
            return Value("instance", value.definition, value.file, value.confidence, "type")
        if value.what == "instance":
            method = self.member(value.definition, "__call__", depth=depth)
            return self._called(method, depth + 1) if method is not None else None
        if value.what == "function":
            return self._returns(value.definition, depth)
        return None

    def _returns(self, function: Definition, depth: int) -> Value | None:
        """What a function gives: by its annotation, else when all it returns is of one class."""
        if depth > DEEPEST:
            return None
        if function in self._returned:
            return self._returned[function]
        self._returned[function] = None
        file = self._stored.file(function.root, function.file)
        annotation = _returned_annotation(function.signature)
        read, _ = self._names.function(function)
        plain = read is not None and all(_is_plain(each) for each in read.decorators)
        found: Value | None = None
        if annotation is not None:
            if (isinstance(annotation, ast.Name) and annotation.id == "Self") or (
                isinstance(annotation, ast.Attribute) and annotation.attr == "Self"
            ):
                owner = self._names.owner(file, function)
                found = Value("instance", owner, file, 0.9, "type") if owner is not None else None
            else:
                found = self.annotated(annotation, file, function.start, depth + 1)
        elif read is not None and plain and read.returns and len(read.returns) <= 8:
            values = {
                self.evaluate(each, file, self._names.offset(function, each.lineno), depth + 1)
                for each in read.returns
                if not (isinstance(each, ast.Constant) and each.value is None)
            }
            if len(values) == 1:
                [only] = values
                if only is not None and only.what in ("instance", "class", "outside"):
                    found = (
                        only if only is OUTSIDE else Value(only.what, only.definition, only.file, 0.8, "type")
                    )
        self._returned[function] = found
        return found

    def _entered(self, value: Value, depth: int) -> Value | None:
        if value.what == "holder":  # a function under @contextmanager, annotated as Iterator[T]
            return Value("instance", value.definition, value.file, 0.8, "type")
        if value.what != "instance" or value.definition is None:
            return None
        for name in ("__enter__", "__aenter__"):
            method = self.member(value.definition, name, depth=depth)
            if method is OUTSIDE:
                return value
            if method is not None and method.definition is not None:
                if _returns_self(method.definition.signature):
                    return value
                return self._returns(method.definition, depth + 1) or value
        return value

    def annotated(self, node: ast.expr, file: File, at: int, depth: int) -> Value | None:
        """What a value with this annotation is."""
        if depth > DEEPEST:
            return None
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            written = python_expression(node.value)
            return self.annotated(written, file, at, depth + 1) if written is not None else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._either([node.left, node.right], file, at, depth)
        if isinstance(node, ast.Subscript):
            name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            given = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
            if name == "Union":
                return self._either(given, file, at, depth)
            if name in ("type", "Type"):
                found = self.annotated(given[0], file, at, depth + 1)
                return (
                    Value("class", found.definition, found.file, 0.9, "type")
                    if found is not None and found.what == "instance"
                    else None
                )
            if name in _WRAPPERS:
                return self.annotated(given[-1] if name == "Coroutine" else given[0], file, at, depth + 1)
            if name in _HOLDING or name in _MAPPING:
                found = self.annotated(given[-1] if name in _MAPPING else given[0], file, at, depth + 1)
                if found is not None and found.what == "instance":
                    return Value("holder", found.definition, found.file, 0.9, "type")
                return OUTSIDE
            return self.annotated(node.value, file, at, depth + 1)
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return None
        value = self.evaluate(node, file, at, depth + 1)
        if value is None or value is OUTSIDE:
            return value
        return Value("instance", value.definition, value.file, 0.9, "type") if value.what == "class" else None

    def _either(self, options: Sequence[ast.expr], file: File, at: int, depth: int) -> Value | None:
        some = [each for each in options if not (isinstance(each, ast.Constant) and each.value is None)]
        found = [self.annotated(each, file, at, depth + 1) for each in some]
        inside = [each for each in found if each is not None and each is not OUTSIDE]
        if len(inside) == 1 or (inside and len(some) > 1):
            return Value(
                inside[0].what, inside[0].definition, inside[0].file, 0.9 if len(some) == 1 else 0.7, "type"
            )
        return OUTSIDE if found and all(each is OUTSIDE for each in found) else None

    def attribute(self, value: Value, name: str) -> Value | None:
        """The attribute of a value; None when nobody knows."""
        if value.what == "outside":
            return OUTSIDE
        if value.what == "module" and value.file is not None:
            found = self._names.module_name(value.file, name)
            if found is None or found is OUTSIDE:
                inner = self._modules.submodule(value.file.root, value.file.relative, name)
                if inner is not None:
                    return Value("module", file=self._stored.file(*inner), why="import")
                return None
            return Value(found.what, found.definition, found.file, min(found.confidence, 0.95), "import")
        if value.what == "package" and value.file is not None:
            target = self._modules.python(value.file.root, value.file.relative, f"{value.why}.{name}")
            if target is not None:
                return Value("module", file=self._stored.file(*target), why="import")
            return Value("package", None, value.file, why=f"{value.why}.{name}")
        if value.definition is None or value.what not in ("class", "instance", "super"):
            return None
        found = self.member(value.definition, name, beyond=value.what == "super")
        if found is None or found is OUTSIDE:
            return found
        return Value(
            found.what,
            found.definition,
            found.file,
            min(found.confidence, value.confidence),
            value.why or "type",
        )

    def held(self, value: Value | None, depth: int = 0) -> Value | None:
        """What a name holds: a variable's value, what a property gives, a module's name for itself."""
        if value is None or value.definition is None or depth > DEEPEST:
            return value
        definition = value.definition
        file = value.file or self._stored.file(definition.root, definition.file)
        if value.what == "function" and definition.kind is SymbolKind.PROPERTY:
            return self._returns(definition, depth + 1)
        if value.what != "variable":
            return value
        return self._variable(definition, file, depth)

    def _variable(self, definition: Definition, file: File, depth: int) -> Value | None:
        """What a module's or a class's variable holds, by its annotation or what it is given."""
        statement = python_statement(definition.signature)
        if statement is None:
            source = self._stored.source(file)
            statement = python_statement(source[definition.start : definition.end].strip())
        if isinstance(statement, ast.AnnAssign):
            return self.annotated(statement.annotation, file, definition.start, depth + 1)
        if isinstance(statement, ast.Assign) and not isinstance(statement.targets[0], (ast.Tuple, ast.List)):
            found = self.evaluate(statement.value, file, definition.start, depth + 1)
            return found or self._given_later(definition, file, depth)
        return None

    def _given_later(self, field: Definition, file: File, depth: int) -> Value | None:
        """What a field that begins as `None` is given elsewhere in its class, when that is one class."""
        container, _, name = field.container.rpartition(".")
        owner = next((each for each in file.named(container, name) if each.kind in CLASS_LIKE), None)
        if owner is None:
            return None
        written = _given(field.name).finditer(self._stored.source(file), owner.start, owner.end)
        values = {self.evaluate(_expression(each[1]), file, each.start(), depth + 1) for each in written}
        given = {value for value in values if value is not None}
        if len(given) != 1:
            return None
        [only] = given
        return only if only is OUTSIDE else Value(only.what, only.definition, only.file, 0.8, "type")


@lru_cache(maxsize=4_096)
def _given(name: str) -> re.Pattern[str]:
    return re.compile(rf"\bself\.{re.escape(name)}[ \t]*=(?!=)[ \t]*([^\n#]+)")


def _expression(written: str) -> ast.expr | None:
    """The expression of a line; of one that goes on below, the call that it begins with."""
    return python_expression(written) or python_expression(f"{written.partition('(')[0]}()")


@lru_cache(maxsize=4_096)
def _head(signature: str) -> ast.ClassDef | None:
    node = python_statement(f"{signature}: pass")
    return node if isinstance(node, ast.ClassDef) else None


@lru_cache(maxsize=4_096)
def _returned_annotation(signature: str) -> ast.expr | None:
    _, arrow, written = signature.rpartition("->")
    return python_expression(written.strip().removesuffix(":")) if arrow else None


def _returns_self(signature: str) -> bool:
    """Whether a method says that it gives what it is called on: `-> Self`, or `(self: T, …) -> T`."""
    given = _returned_annotation(signature)
    if given is None:
        return False
    name = given.attr if isinstance(given, ast.Attribute) else getattr(given, "id", "")
    return bool(name) and (
        name == "Self" or re.search(rf"\(\s*self\s*:\s*{re.escape(name)}\s*[,)]", signature) is not None
    )


def _is_plain(decorator: ast.expr) -> bool:
    name = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
    return name in (
        "staticmethod",
        "classmethod",
        "property",
        "abstractmethod",
        "override",
        "final",
        "cached_property",
    )
