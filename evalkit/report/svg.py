"""A matplotlib figure as SVG that may stand inline in a page among others.

The page forbids inline styles, knows a light and a dark scheme, and shows texts that models wrote.
So figures are drawn in stand-in colours, which become classes of the page's style sheet, and with
stand-in texts (`@3@`), which become the real ones only after matplotlib is done: no label is ever
read as mathematics, measured in a font that lacks its script, or put together as markup.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from markupsafe import Markup

from evalkit.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INCH = 72
SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
_DROPPED = {f"{{{SVG}}}metadata", f"{{{SVG}}}style"}
_GROUPS = {f"{{{SVG}}}g", f"{{{SVG}}}defs"}
ROLES = ("ink", "muted", "rule", "paper", "band")
_ROLE_BYTES = 0xE1
_HUE_BYTES = 0xF0
_COLOUR = re.compile(r"#([0-9a-f]{2})0001")
_STAND_IN = re.compile(r"@(\d+)@")
_REFERENCE = re.compile(r"^url\(#(.+)\)$")


def role(name: str) -> str:
    """Stand-in colour for a role of the style sheet: `ink`, `muted`, `rule`, `paper`, `band`."""
    return f"#{_ROLE_BYTES - ROLES.index(name):02x}0001"


def hue(number: int) -> str:
    """Stand-in colour for a model; 0 is a base."""
    return f"#{_HUE_BYTES + number:02x}0001"


class Texts:
    """The texts of one figure, kept aside while it is drawn."""

    def __init__(self) -> None:
        """Start with none."""
        self._texts: list[str] = []

    def __call__(self, text: str) -> str:
        """Keep a text and return its stand-in, for a label or for an artist's `gid`."""
        self._texts.append(text)
        return f"@{len(self._texts) - 1}@"

    def get(self, stand_in: str) -> str | None:
        """The text behind a stand-in; None for anything else."""
        match = _STAND_IN.fullmatch(stand_in)
        return self._texts[int(match[1])] if match else None


def to_svg(figure: Figure, key: str, title: str, texts: Texts, css: str = "plot") -> Markup:
    """Draw a figure as one `<svg>` element.

    Args:
        figure: drawn with `role` and `hue` colours and stand-in texts.
        key: unique in the page; every id starts with it.
        title: what the figure shows, for those who can't see it.
        texts: the texts behind the stand-ins.
        css: classes of the element.

    Returns:
        Markup without styles, scripts, links out of the page or clashing ids.
    """
    root = ET.fromstring(_draw(figure))  # noqa: S314 - matplotlib's own output
    _prune(root)
    used = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        _restyle(element)
        _name(element, key, used, texts)
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib = {
        "class": css, "role": "img", "aria-label": one_line(title, 400),
        "viewBox": f"0 0 {width} {height}",
    }  # fmt: skip
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - serialised from a tree, texts escaped


def _draw(figure: Figure) -> bytes:
    """The SVG file as matplotlib writes it: the same figure, the same bytes."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "evalkit", "text.usetex": False}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _prune(parent: ET.Element) -> None:
    """Drop styles, metadata, empty groups and the white space between elements."""
    for child in list(parent):
        _prune(child)
        child.tail = None
        if child.tag in _DROPPED or (child.tag in _GROUPS and not len(child)):
            parent.remove(child)
    if len(parent):
        parent.text = None


def _references(element: ET.Element) -> list[str]:
    """Ids that an element points to."""
    link = element.get(f"{{{XLINK}}}href", "")
    found = [link[1:]] if link.startswith("#") else []
    matches = filter(None, map(_REFERENCE.match, element.attrib.values()))
    return [*found, *(match[1] for match in matches)]


def _restyle(element: ET.Element) -> None:
    """Turn the style attribute into presentation attributes and classes."""
    style = element.attrib.pop("style", "")
    classes = []
    for declaration in filter(None, (part.strip() for part in style.split(";"))):
        name, value = (part.strip() for part in declaration.split(":", 1))
        if name in {"font", "font-family", "font-stretch"}:
            continue
        if name in {"fill", "stroke"} and (match := _COLOUR.fullmatch(value)):
            classes.append(f"{name}-{_class_of(int(match[1], 16))}")
        else:
            element.set(name, value)
    if classes:
        element.set("class", " ".join(classes))


def _class_of(code: int) -> str:
    """The class behind a stand-in colour's first byte."""
    return f"hue-{code - _HUE_BYTES}" if code >= _HUE_BYTES else ROLES[_ROLE_BYTES - code]


def _name(element: ET.Element, key: str, used: set[str], texts: Texts) -> None:
    """Keep the ids that are needed, under the figure's name; put the real texts in."""
    own = element.attrib.pop("id", "")
    if own in used:
        element.set("id", f"{key}-{own}")
    elif (tip := texts.get(own)) is not None:
        title = ET.Element(f"{{{SVG}}}title")
        title.text = one_line(tip)
        element.insert(0, title)
    if (label := texts.get(element.text or "")) is not None:
        element.text = one_line(label)
    for name, value in list(element.attrib.items()):
        if name == f"{{{XLINK}}}href":
            element.set(name, f"#{key}-{value[1:]}")
        elif match := _REFERENCE.match(value):
            element.set(name, f"url(#{key}-{match[1]})")
