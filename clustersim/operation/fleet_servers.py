"""Who holds which server: the one place where ownership changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clustersim.operation.fleet_records import ServerPool
from clustersim.operation.placement import Servers, place

FREE, REPAIR, MAINTENANCE = -1, -2, -3
Held = dict[int, Servers]
"""Pool -> servers."""


class Broken(NamedTuple):
    """A server that does not work."""

    pool: int
    number: int
    repair: str
    """Class of repair work."""
    until_s: float = 0.0
    """When its domain works again, if that is out. [s]"""


class ServerMap:
    """Owners of all servers, pool by pool. Every change checks that the server was in the hands that it leaves."""

    def __init__(self, pools: tuple[ServerPool, ...], policy: Literal["pack", "spread"]) -> None:
        self.pools, self.policy = pools, policy
        self.owner: list[NDArray[np.int32]] = [np.full(pool.servers, FREE, dtype=np.int32) for pool in pools]
        self.closed: list[NDArray[np.bool_]] = [np.zeros(pool.servers, dtype=np.bool_) for pool in pools]
        """Servers that get no new job, because work on them is planned."""
        self.free: list[int] = [pool.servers for pool in pools]
        """Servers that a job may get now."""
        self.away: list[dict[int, int]] = [{REPAIR: 0, MAINTENANCE: 0} for _ in pools]

    def find(self, pool: int, count: int) -> Servers | None:
        """Return where a gang of `count` would lie in a pool, None where it has no room."""
        if count > self.free[pool]:
            return None
        return place(self._free(pool), count, self.pools[pool].blocks, self.policy)

    def _free(self, pool: int) -> NDArray[np.bool_]:
        free: NDArray[np.bool_] = (self.owner[pool] == FREE) & ~self.closed[pool]
        return free

    def give(self, owner: int, wanted: Mapping[int, int]) -> Held:
        """Give `owner` so many free servers of each pool; the caller has seen that they are there."""
        held: Held = {}
        for pool, count in wanted.items():
            found = self.find(pool, count)
            if found is None:
                raise RuntimeError(f"{count} servers asked of {self.pools[pool].name}, {self.free[pool]} are free")
            self._move(pool, found, FREE, owner)
            self.free[pool] -= count
            held[pool] = found
        return held

    def take_back(self, owner: int, held: Held) -> None:
        """Make the servers of `owner` free again."""
        for pool, servers in held.items():
            self._move(pool, servers, owner, FREE)
            self.free[pool] += int(np.count_nonzero(~self.closed[pool][servers]))

    def send_away(self, pool: int, servers: Servers, owner: int, why: int) -> None:
        """Send servers of `owner`, or free ones, to repair or maintenance."""
        self._move(pool, servers, owner, why)
        if owner == FREE:
            self.free[pool] -= int(np.count_nonzero(~self.closed[pool][servers]))
        self.away[pool][why] += servers.size

    def bring_back(self, pool: int, servers: Servers, why: int) -> None:
        """Make servers free that come from repair or maintenance."""
        self._move(pool, servers, why, FREE)
        self.free[pool] += int(np.count_nonzero(~self.closed[pool][servers]))
        self.away[pool][why] -= servers.size

    def close(self, pool: int, servers: Servers, *, shut: bool) -> None:
        """Give the servers no new job from now on, or again."""
        changed = servers[self.closed[pool][servers] != shut]
        self.closed[pool][changed] = shut
        free = int(np.count_nonzero(self.owner[pool][changed] == FREE))
        self.free[pool] += -free if shut else free

    def _move(self, pool: int, servers: Servers, before: int, after: int) -> None:
        owners = self.owner[pool]
        if not bool(np.all(owners[servers] == before)):
            raise RuntimeError(f"a server of {self.pools[pool].name} is not in the hands that it should leave")
        owners[servers] = after
