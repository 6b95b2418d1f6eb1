"""An ONNX graph that is written node by node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from laudo.export.packages import onnx_package

OPSET = 20
"""Version of the operators: onnxruntime 1.17 (2024) and newer run it."""


class Graph:
    """Nodes and constants of a graph; whatever adds a node gives back the name of what it makes.

    Args:
        prefix: of all names, so that graphs can be joined.

    Attributes:
        nodes: in the order in which they were added.
        constants: tensors that the nodes refer to.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count = 0

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        return self.several(operator, 1, *inputs, **attributes)[0]

    def several(self, operator: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several outputs."""
        names = [self._name(operator) for _number in range(outputs)]
        self.nodes.append(onnx_package("onnx").helper.make_node(operator, list(inputs), names, **attributes))
        return names

    def constant(self, value: Any, kind: type | np.dtype[Any]) -> str:
        """A number or an array, as this type; equal ones are kept once."""
        array = np.asarray(value, dtype=kind)
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = self._name("constant")
            self.constants.append(onnx_package("onnx").numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def integers(self, *values: int) -> str:
        """(n,) int64."""
        return self.constant(values, np.int64)

    def integer(self, value: int) -> str:
        """() int64."""
        return self.constant(value, np.int64)

    def number(self, value: float) -> str:
        """() float64."""
        return self.constant(value, np.float64)

    def single(self, value: float) -> str:
        """() float32."""
        return self.constant(value, np.float32)

    def cast(self, value: str, kind: type | np.dtype[Any]) -> str:
        """The same numbers as another type."""
        return self("Cast", value, to=onnx_package("onnx").helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def side(self, value: str, axis: int) -> str:
        """() int64, the length of an axis."""
        return self("Gather", self("Shape", value), self.integer(axis))

    def listed(self, *scalars: str) -> str:
        """(n,) of n scalars."""
        return self("Concat", *[self("Unsqueeze", one, self.integers(0)) for one in scalars], axis=0)

    def repeat(self, start: str, step: Callable[[Graph, str], str], kind: type, shape: Sequence[Any]) -> str:
        """Apply ``step`` again and again until it changes nothing.

        Args:
            start: what it is applied to first.
            step: writes into the graph that it is given; it may refer to names of this one.
            kind: of the numbers.
            shape: that the value keeps, names for sides that are not known yet.
        """
        onnx = onnx_package("onnx")
        helper = onnx.helper
        body = Graph(self._name("loop") + "_")
        after = step(body, f"{body.prefix}before")
        same = body("Equal", after, f"{body.prefix}before")
        changed = body("Not", body.cast(body("ReduceMin", body.cast(same, np.int32), keepdims=0), np.bool_))
        body.nodes.append(helper.make_node("Identity", [after], [f"{body.prefix}after"]))
        kinds = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        inputs = [
            helper.make_tensor_value_info(f"{body.prefix}turn", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info(f"{body.prefix}go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info(f"{body.prefix}before", kinds, list(shape)),
        ]
        outputs = [
            helper.make_tensor_value_info(changed, onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info(f"{body.prefix}after", kinds, list(shape)),
        ]
        made = helper.make_graph(body.nodes, f"{body.prefix}body", inputs, outputs, body.constants)
        return self("Loop", "", self.constant(True, np.bool_), start, body=made)

    def either(self, condition: str, first: Callable[[Graph], str], second: Callable[[Graph], str]) -> str:
        """What one of two graphs gives, of which only that one is computed.

        Args:
            condition: () bool; where it is true, the first.
            first: writes into the graph that it is given; it may refer to names of this one.
            second: the same.
        """
        onnx = onnx_package("onnx")
        branches = []
        for write in (first, second):
            branch = Graph(self._name("branch") + "_")
            made = write(branch)
            output = onnx.helper.make_empty_tensor_value_info(made)
            branches.append(onnx.helper.make_graph(branch.nodes, branch.prefix, [], [output], branch.constants))
        return self("If", condition, then_branch=branches[0], else_branch=branches[1])

    def include(self, model: Any, *inputs: str) -> list[str]:
        """Add the nodes of a model whose inputs are values of this graph; the names of its outputs.

        Raises:
            ValueError: the model needs operators that are not ONNX's own, or of another version.
        """
        onnx = onnx_package("onnx")
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
        versions = {one.domain: one.version for one in model.opset_import}
        strange = {node.domain for node in model.graph.node} - {""}
        if strange or versions.get("") != OPSET:
            raise ValueError(f"operators of {sorted(strange)}, version {versions.get('')}")
        named = onnx.compose.add_prefix(model, self._name("network") + "_").graph
        for own, given in zip(named.input, inputs, strict=True):
            self.nodes.append(onnx.helper.make_node("Identity", [given], [own.name]))
        self.nodes += named.node
        self.constants += named.initializer
        return [one.name for one in named.output]

    def named(self, value: str, name: str) -> None:
        """Give a value the name that an output of the whole graph is to have."""
        self.nodes.append(onnx_package("onnx").helper.make_node("Identity", [value], [name]))

    def model(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
        """The graph as a model of its own.

        Args:
            inputs: value infos of onnx.
            outputs: the same.
        """
        helper = onnx_package("onnx").helper
        graph = helper.make_graph(self.nodes, f"{self.prefix}graph", list(inputs), list(outputs), self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)

    def _name(self, what: str) -> str:
        self._count += 1
        return f"{self.prefix}{what}_{self._count}"
