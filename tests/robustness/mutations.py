"""Ways to spoil an input: as a tree, as text, as bytes. All draw from one `random.Random`."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import yaml

from clustersim import units

EXTREME = (
    0, -0.0, -1, 1, 2, 3.5, 1e-300, 5e-324, 1e300, 1e400, -1e400, float("nan"), 2**31, 2**63, -(2**63), 10**40, True,
    False, None, "", " ", "nan", "inf", "-inf", "1e999 W", "-5 MW", "0 MW", "1e-300 s", "1e300 s", "1e18 d", "1e12",
    "150 MW", "150 mw", "3 parsec", "800 Gb/s", "10 %", "101 %", "-1 %", "1_000 W", "0x10 W", "\u0661\u0662 MW",
)  # fmt: skip
ODD = (
    "../../../etc/passwd", "/etc/passwd", "..", ".", "/", "~", "a/../../b", "C:\\x", "con", "x" * 5000, "\u0000",
    "\u202e", "\ud83d\ude00", "e\u0301", "<script>alert(1)</script>", "{{7*7}}", "%s%n", "$(id)", "`id`", "a\nb",
    "\t", "'", '"', "\\", "[", "{", "colossus_memphis", "default", "none", "best", "auto", "2024-13-45", "12:30:45",
    "../sentinel", "0o17", "yes", "~", "=", "<<",
)  # fmt: skip
DEEP = 120


def nested(rng: random.Random) -> Any:
    """Return lists or mappings in one another, to less and to more than what is read."""
    made: Any = 1
    for _ in range(rng.choice((3, 50, DEEP))):
        made = [made] if rng.random() < 0.5 else {"a": made}
    return made


def a_value(rng: random.Random, old: Any) -> Any:
    """Return something to put in place of a value: near it, or far away."""
    if isinstance(old, str) and rng.random() < 0.4:
        return _other_quantity(rng, old)
    if isinstance(old, int | float) and not isinstance(old, bool) and rng.random() < 0.5:
        return rng.choice((old * 2, old + 1, old - 1, -old, old * 1000, old / 3, float(old), str(old), f"{old} s"))
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(EXTREME)
    if kind < 0.8:
        return rng.choice(ODD)
    if kind < 0.9:
        return rng.choice(([], {}, [[]], [None], {"kind": "x"}, [1, "a", None], [{}], {"a": {"b": []}}))
    return nested(rng) if rng.random() < 0.5 else [old] * rng.choice((2, 50, 3000))


def _other_quantity(rng: random.Random, old: str) -> str:
    """Return a quantity of another size, another unit or another dimension."""
    try:
        number, unit = units.split(old)
    except units.UnitError:
        return rng.choice((old.upper(), old + " ", old[:-1], old + "x", old[::-1], old * 2))
    dimension = units.dimension_of(unit)
    same = list(units.TABLE[dimension]) if dimension else [unit]
    other = rng.choice([one for table in units.TABLE.values() for one in table])
    factor = rng.choice((0.0, -1.0, 0.5, 2.0, 10.0, 1e3, 1e-3, 1e9, 1e-9, 1e200))
    unit = rng.choice((unit, unit, unit, rng.choice(same), other, unit.lower()))
    return f"{number * factor:g} {unit}"


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the key path of every value of a tree."""
    keys: Any = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield (*at, key)
        yield from places(tree[key], (*at, key))


def spoiled(rng: random.Random, tree: Any, times: int | None = None) -> Any:
    """Return a copy of a tree with one to four things wrong, or merely other."""
    made = copy.deepcopy(tree)
    for _ in range(times or rng.choice((1, 1, 1, 2, 4))):
        # provenance is most of a file and says little: it is spoiled as often as any other section
        known = [path for path in places(made) if path[0] != "provenance" or rng.random() < 0.05]
        if not known:
            return made
        *above, key = rng.choice(known)
        node = made
        for part in above:
            node = node[part]
        what = rng.random()
        if what < 0.2:
            del node[key]
        elif what < 0.3 and isinstance(node, dict):
            node[rng.choice((str(key)[:-1], str(key) + "s", str(key).upper(), *ODD[:6]))] = node.pop(key)
        elif what < 0.4 and isinstance(node, list):
            node.extend(copy.deepcopy(node[key]) for _ in range(rng.choice((1, 2, 500))))
        elif what < 0.5:
            # what stands elsewhere in the file: right in kind, wrong in place
            source = made
            for part in rng.choice(known):
                try:
                    source = source[part]
                except (KeyError, IndexError, TypeError):
                    break
            node[key] = copy.deepcopy(source) if len(str(source)) < 5000 else None
        else:
            node[key] = a_value(rng, node[key])
    return made


def as_text(tree: Any) -> str:
    """Return a tree as YAML, whatever is in it, without anchors."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    return yaml.dump(tree, Dumper=Plain, sort_keys=False, allow_unicode=True, width=10**6)


BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 10)]
)


def spoiled_text(rng: random.Random, text: str) -> bytes:
    """Return a text file as bytes with one thing wrong that a tree cannot have."""
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    what = rng.randrange(22)
    if what == 0:
        return text[: rng.randrange(len(text) + 1)].encode()
    if what == 1:
        lines.insert(at, lines[at])
    elif what == 2:
        lines[at] = "\t" + lines[at]
    elif what == 3:
        lines[at] = lines[at].replace(
            ": ", rng.choice((":", ": !!python/object/apply:os.system ", ": !!binary ", ": &x "))
        )
    elif what == 4:
        lines.insert(at, rng.choice(("x: !!python/object/new:os.system [id]", "!!set {a, b}", "? [a]\n: b", "- x")))
    elif what == 5:
        return (BOMB + "\n" + text).encode()
    elif what == 6:
        return text.replace("\n", "\r\n").encode()
    elif what == 7:
        return b"\xef\xbb\xbf" + text.encode()
    elif what == 8:
        return text.encode(rng.choice(("utf-16", "utf-32", "utf-16-le")))
    elif what == 9:
        raw = bytearray(text.encode())
        for _ in range(rng.choice((1, 5, 200))):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        return bytes(raw)
    elif what == 10:
        return rng.randbytes(rng.choice((0, 1, 100, 10_000)))
    elif what == 11:
        return (text + "\n---\n" + text).encode()
    elif what == 12:
        lines[at] = lines[at] + rng.choice(
            (" #", " }", " ]", ":", " |", " >", " &a", " *a", " %", " @", "\x00", "\x85")
        )
    elif what == 13:
        return ("[" * 20_000).encode() if rng.random() < 0.5 else ("{a: " * 5_000).encode()
    elif what == 14:
        return (text + "\n#" + "x" * rng.choice((10_000, 1_200_000))).encode()
    elif what == 15:
        return text.encode() + b"\xff\xfe"
    elif what == 16:
        return ("name: " + "9" * 6_000 + "\n" + text).encode()
    elif what == 17:
        return ("<<: {seed: 3}\n" + text).encode()
    elif what == 18:
        return text.replace("\n", "\r").encode()
    elif what == 19:
        return ("".join(f"k{k}: {k}\n" for k in range(20_000)) + text).encode()
    elif what == 20:
        lines[at] = lines[at].replace(" ", "\u00a0")
    else:
        rng.shuffle(lines)
    return "\n".join(lines).encode("utf-8", "surrogatepass")
