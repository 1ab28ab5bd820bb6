"""An order that respects who comes before whom, and where there is none, who stands in whose way."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T", bound=Hashable)


def ordered(things: Iterable[T], before: Mapping[T, set[T]], rank: Callable[[T], Any]) -> list[T]:
    """The things, each after all that ``before`` names for it, else by rank. What goes in circles comes by rank."""
    left = {thing: {b for b in before.get(thing, ()) if b != thing} for thing in things}
    left = {thing: {b for b in names if b in left} for thing, names in left.items()}
    follows: dict[T, list[T]] = {thing: [] for thing in left}
    for thing, names in left.items():
        for name in names:
            follows[name].append(thing)
    ready = [(rank(thing), thing) for thing, names in left.items() if not names]
    heapq.heapify(ready)
    done: list[T] = []
    while left:
        # In a circle the first by rank comes next, whatever it waits for.
        thing = heapq.heappop(ready)[1] if ready else min(left, key=rank)
        if thing not in left:
            continue
        del left[thing]
        done.append(thing)
        for follower in follows[thing]:
            if follower in left:
                left[follower].discard(thing)
                if not left[follower]:
                    heapq.heappush(ready, (rank(follower), follower))
    return done


def circles(things: Iterable[T], before: Mapping[T, set[T]]) -> list[set[T]]:
    """The groups of things that wait for each other (Tarjan's strongly connected components of two and more)."""
    index: dict[T, int] = {}
    low: dict[T, int] = {}
    stack: list[T] = []
    on_stack: set[T] = set()
    found: list[set[T]] = []
    for root in things:
        if root in index:
            continue
        work = [(root, iter(sorted(before.get(root, ()), key=str)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            thing, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(sorted(before.get(other, ()), key=str))))
                    break
                if other in on_stack:
                    low[thing] = min(low[thing], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[thing])
                if low[thing] == index[thing]:
                    group = set()
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        group.add(member)
                        if member == thing:
                            break
                    if len(group) > 1:
                        found.append(group)
    return found
