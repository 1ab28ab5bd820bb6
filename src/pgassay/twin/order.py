"""The order of tables: parents first, circles of foreign keys together."""

from __future__ import annotations

from collections.abc import Mapping

from pgassay.model import Name
from pgassay.twin.targets import Target


def groups(targets: Mapping[Name, Target], ignored: Mapping[Name, frozenset[str]] | None = None) -> list[list[Target]]:
    """Strongly connected components in topological order (Tarjan's algorithm, without recursion).

    Foreign keys with a column in ``ignored`` do not count.
    """
    ignored = ignored or {}
    parents = {
        name: sorted(
            {
                link.references
                for link in target.links
                if link.references is not None
                and link.references in targets
                and link.references != name
                and not ignored.get(name, frozenset()) & set(link.columns)
            }
        )
        for name, target in targets.items()
    }
    index: dict[Name, int] = {}
    low: dict[Name, int] = {}
    stack: list[Name] = []
    found: list[list[Target]] = []
    for root in targets:
        if root in index:
            continue
        work = [(root, iter(parents[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            name, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    at = stack.index(name)
                    found.append([targets[member] for member in sorted(stack[at:])])
                    del stack[at:]
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                work.append((following, iter(parents[following])))
            elif following in stack:
                low[name] = min(low[name], index[following])
    return found
