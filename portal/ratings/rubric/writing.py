"""A rubric's values as YAML again, so that an editor can hand a file back: reading it gives the same values."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter


class _Representer(SafeRepresenter):
    """Writes decimals with the digits they have, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def decimal(self, data: Decimal) -> ScalarNode:
        text = f"{data:f}"
        kind = "float" if "." in text else "int"
        node: ScalarNode = self.represent_scalar(f"tag:yaml.org,2002:{kind}", text)
        return node


_Representer.add_representer(Decimal, _Representer.decimal)


def as_yaml(values: dict[str, Any]) -> str:
    """YAML text of plain values as ``read_yaml`` gives them, keys in their order."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 110
    text = StringIO()
    yaml.dump(values, text)
    return text.getvalue()
