"""Templates compiled once per language.

Looking up ninety sentences for each page costs as much as the rest of the page. So a sentence known at compile time
is put into the compiled template, as are addresses of pages that take no arguments. Each language has its own Jinja
environment over the same files.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, MutableMapping
from typing import Any

import jinja2
from flask import Flask, current_app
from flask.templating import Environment
from jinja2 import nodes
from jinja2.ext import InternationalizationExtension
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from portal import i18n

_LOOKUPS = {"_", "gettext"}


class _Folding(NodeTransformer):
    """Replaces look-ups of constant sentences and constant addresses by what they give."""

    def __init__(self, language: i18n.Language, constant_url: "Any") -> None:
        self.catalogue = i18n.catalogue(language)
        self.one_plural = language.tag != "en"
        self.constant_url = constant_url

    def visit_Call(self, node: nodes.Call, *args: Any, **kwargs: Any) -> nodes.Node:  # noqa: N802
        self.generic_visit(node, *args, **kwargs)
        if not isinstance(node.node, nodes.Name) or node.dyn_args or node.dyn_kwargs or not node.args:
            return node
        first = node.args[0]
        if not isinstance(first, nodes.Const):
            return node
        name = node.node.name
        if name in _LOOKUPS:
            text = nodes.Const(self.catalogue.ugettext(first.value))
            return self._filled(text, node.kwargs, node.lineno)
        if name == "ngettext" and len(node.args) == 3 and isinstance(node.args[1], nodes.Const):
            return self._plural(node)
        if name in ("url_for", "static_url") and len(node.args) == 1 and not node.kwargs:
            folded = self.constant_url(name, first.value)
            return node if folded is None else nodes.Const(folded, lineno=node.lineno)
        return node

    def _filled(self, text: nodes.Expr, values: list[nodes.Keyword], line: int) -> nodes.Node:
        if not values:
            return text.set_lineno(line)
        pairs = [nodes.Pair(nodes.Const(value.key), value.value) for value in values]
        return nodes.Mod(text, nodes.Dict(pairs)).set_lineno(line)

    def _plural(self, node: nodes.Call) -> nodes.Node:
        singular, plural, number = node.args
        assert isinstance(singular, nodes.Const)
        assert isinstance(plural, nodes.Const)
        many = nodes.Const(self.catalogue.ungettext(singular.value, plural.value, 2))
        text: nodes.Expr = many
        if not self.one_plural:
            one = nodes.Compare(number, [nodes.Operand("eq", nodes.Const(1))])
            text = nodes.CondExpr(one, nodes.Const(singular.value), many)
        given = [value for value in node.kwargs if value.key != "num"]
        values = [nodes.Keyword("num", number), *given]
        return self._filled(text, values, node.lineno)


class PortalTemplate(jinja2.Template):
    """A template whose macros are imported from one module made once: no template here has globals of its own."""

    def _get_default_module(self, ctx: Any = None) -> Any:
        if self._module is None:
            self._module = self.make_module()
        return self._module


class PortalEnvironment(Environment):
    """Flask's Jinja environment that speaks one language."""

    language = i18n.DEFAULT
    template_class = PortalTemplate

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """One dictionary for all templates; looking names up in Jinja's chain of two costs a tenth of a page."""
        return self.globals if not d else super().make_globals(d)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        folding = _Folding(self.language, self._constant_url)
        folded: nodes.Template = folding.visit(template)
        folded.set_environment(self)
        return folded

    def _constant_url(self, function: str, target: str) -> str | None:
        if function == "static_url":
            address = self.globals["static_url"]
            return address(target)  # type: ignore[operator, no-any-return]
        rules = list(self.app.url_map.iter_rules(target)) if target in self.app.view_functions else []
        if not rules or any(rule.arguments for rule in rules):
            return None
        return self.app.url_map.bind("localhost").build(target)


def _make(app: Flask, language: i18n.Language) -> PortalEnvironment:
    base = app.jinja_env
    environment = PortalEnvironment(
        app,
        autoescape=True,
        extensions=[InternationalizationExtension],
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=app.debug,
        cache_size=-1,
    )
    environment.language = language
    environment.globals.update(base.globals)
    environment.filters.update(base.filters)
    environment.tests.update(base.tests)
    catalogue = i18n.catalogue(language)
    install = environment.install_gettext_callables  # type: ignore[attr-defined]
    install(catalogue.ugettext, catalogue.ungettext, newstyle=False)
    environment.globals["_"] = i18n.gettext
    environment.globals["kept"] = _keeping()
    environment.globals["remembered"] = _remembering()
    return environment


def _keeping() -> Callable[..., Markup]:
    """A function for templates: a macro's result, rendered once for each value of ``by`` and kept.

    Only for what stands on every page of a role; a kept macro's name is its own. ``by`` names all that the macro reads
    besides the language, and has few values in all: never a person, a row or a token.
    """
    rendered: dict[tuple[str, Hashable], Markup] = {}

    def kept(macro: Any, *arguments: Any, by: Hashable) -> Markup:
        key = (macro.name, by)
        if key not in rendered:
            rendered[key] = macro(*arguments)
        return rendered[key]

    return kept


REMEMBERED = 4096
"""How many rendered cards each language keeps: those of a few hundred people, a few megabytes."""


def _remembering() -> Callable[..., Markup]:
    """A function for templates that keeps the newest renderings of a macro by everything it shows.

    ``by`` is the whole content (a frozen value), so that nobody can be shown another's card; never a token.
    """
    rendered: OrderedDict[tuple[str, Hashable], Markup] = OrderedDict()

    def remembered(macro: Any, *arguments: Any, by: Hashable) -> Markup:
        key = (macro.name, by)
        found = rendered.get(key)
        if found is None:
            found = rendered[key] = macro(*arguments)
            if len(rendered) > REMEMBERED:
                rendered.popitem(last=False)
        return found

    return remembered


def init_app(app: Flask) -> None:
    """Give the app one environment per language; made at first use, when all routes are known."""
    app.jinja_env.filters.update(i18n.FILTERS)
    app.extensions["portal.environments"] = {}


def environment(language: i18n.Language | None = None) -> PortalEnvironment:
    """The environment of a language, by default the current one."""
    language = language or i18n.current()
    made: dict[str, PortalEnvironment] = current_app.extensions["portal.environments"]
    if language.tag not in made:
        made[language.tag] = _make(current_app, language)
    return made[language.tag]


def render(template: str, /, **context: Any) -> str:
    """The page in the current language, with what every page knows (see portal.page)."""
    found = environment().get_template(template)
    return found.render({**_page_context(), **context})


def fragment(template: str, macro: str, *arguments: Any, **named: Any) -> Markup:
    """One macro of a component rendered alone, in the current language."""
    module = environment().get_template(template).make_module(_page_context())
    result: Markup = getattr(module, macro)(*arguments, **named)
    return result


def _page_context() -> dict[str, Any]:
    context: dict[str, Any] = current_app.extensions["portal.page"]()
    return context
