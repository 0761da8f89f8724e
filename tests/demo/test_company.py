from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.demo import scripts
from hostpool.demo.company import DOZEN, MAX_HOSTS, Quirk, company


@given(hosts=st.integers(1, MAX_HOSTS), seed=st.integers())
@settings(max_examples=50, deadline=None)
def test_any_number_of_distinct_hosts_the_same_for_a_seed(hosts: int, seed: int) -> None:
    made = company(hosts, seed=seed)
    assert len({host.name for host in made}) == len(made) == hosts
    assert made == company(hosts, seed=seed)
    assert {host.groups[1] for host in made} <= {"prod", "staging"}
    assert all(host.name.startswith(host.groups[0]) for host in made)


def test_the_dozen() -> None:
    dozen = company(12)
    assert [host.name for host in dozen][:5] == ["web1", "web2", "web3", "web4", "app1"]
    assert {host.name for host in dozen} == set(DOZEN)
    quirks = {host.name: host.quirk for host in dozen if host.quirk is not Quirk.NONE}
    assert quirks == {"app3": Quirk.SLOW, "db2": Quirk.FAILING, "mail1": Quirk.UNREACHABLE}
    assert all(host.quirk is Quirk.NONE for host in company(12, quirks=False))


@pytest.mark.parametrize("hosts", [0, -1, MAX_HOSTS + 1])
def test_bounds(hosts: int) -> None:
    with pytest.raises(ValueError, match="1 to 200"):
        company(hosts)


@pytest.mark.parametrize("name", sorted(scripts.commands()))
def test_scripts_are_sh(name: str) -> None:
    done = subprocess.run(["sh", "-n"], input=scripts.commands()[name], text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
