"""Facts: the reading of what the program in facts_program prints, by the names playbooks read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Any

from hostpool.tasks.modules import base
from hostpool.tasks.modules.facts_network import Facts, Sections, lines_of, network

_FAMILIES = {
    "Debian": "debian ubuntu raspbian linuxmint kali devuan pop neon",
    "RedHat": "rhel centos fedora rocky almalinux ol amzn scientific oracle virtuozzo cloudlinux eurolinux",
    "Suse": "opensuse opensuse-leap opensuse-tumbleweed sles sled sle",
    "Archlinux": "arch manjaro antergos",
    "Gentoo": "gentoo funtoo",
    "Alpine": "alpine",
    "FreeBSD": "freebsd",
    "Darwin": "darwin",
}
_NAMES = {
    "debian": "Debian", "ubuntu": "Ubuntu", "rhel": "RedHat", "centos": "CentOS", "fedora": "Fedora",
    "rocky": "Rocky", "almalinux": "AlmaLinux", "ol": "OracleLinux", "amzn": "Amazon", "arch": "Archlinux",
    "alpine": "Alpine", "opensuse-leap": "openSUSE Leap", "opensuse-tumbleweed": "openSUSE Tumbleweed",
    "sles": "SLES", "linuxmint": "Linux Mint", "raspbian": "Debian", "kali": "Kali", "gentoo": "Gentoo",
    "manjaro": "Archlinux",
}  # fmt: skip

_CPU = ("processor", "vendor_id", "model name")


def chosen(facts: Facts, patterns: Sequence[str]) -> Facts:
    """By the names playbooks use, those that a pattern matches with or without ``ansible_``."""
    wanted = [pattern for pattern in patterns if pattern]
    return {
        f"ansible_{name}": value
        for name, value in facts.items()
        if not wanted or any(fnmatchcase(name, p) or fnmatchcase(f"ansible_{name}", p) for p in wanted)
    }


def facts_of(output: bytes) -> Facts:
    """The facts that the program's output tells."""
    sections = dict(base.sections(output))
    facts: Facts = {}
    for read in _READERS:
        facts.update(read(sections))
    return facts


def _kernel(sections: Sections) -> Facts:
    system, release, machine, node, version = (lines_of(sections, "uname") + [""] * 5)[:5]
    fqdn = (lines_of(sections, "hostname") or [node])[0].strip() or node
    domain = (lines_of(sections, "domain") or [""])[0].strip() or fqdn.partition(".")[2]
    bits = "64" if "64" in machine or machine in ("s390x",) else "32"
    return {
        "system": system, "kernel": release, "kernel_version": version, "machine": machine,
        "architecture": {"amd64": "x86_64"}.get(machine, machine), "nodename": node,
        "hostname": node.partition(".")[0], "fqdn": fqdn, "domain": domain, "userspace_bits": bits,
        "userspace_architecture": {"amd64": "x86_64"}.get(machine, machine),
    }  # fmt: skip


def _distribution(sections: Sections) -> Facts:
    release: dict[str, str] = {}
    for line in lines_of(sections, "release"):
        key, equals, value = line.partition("=")
        if equals:
            try:
                release[key.strip()] = " ".join(shlex.split(value))
            except ValueError:
                release[key.strip()] = value
    name = release.get("ID", "").lower()
    if not name:
        system = (lines_of(sections, "uname") or [""])[0]
        name = system.lower()
    like = [name, *release.get("ID_LIKE", "").lower().split()]
    family = next((own for each in like for own, ids in _FAMILIES.items() if each in ids.split()), "")
    version = release.get("VERSION_ID", "")
    if name == "debian":
        version = next((line for line in lines_of(sections, "debian") if line[:1].isdigit()), version)
    elif name in ("rhel", "centos", "rocky", "almalinux", "ol"):
        found = re.search(r"release (\d+(?:\.\d+)*)", sections.get("redhat", ""))
        version = found[1] if found else version
    elif name == "alpine":
        version = (lines_of(sections, "alpine") or [version])[0]
    code = release.get("VERSION_CODENAME") or release.get("UBUNTU_CODENAME", "")
    if not code:
        found = re.search(r"\(([^)]+)\)", release.get("VERSION", "") or sections.get("redhat", ""))
        code = found[1] if found else ("NA" if family else "")
    return {
        "distribution": _NAMES.get(name, release.get("NAME", name)), "distribution_version": version,
        "distribution_major_version": version.partition(".")[0], "distribution_release": code,
        "os_family": family or release.get("NAME", name), "distribution_file_path": "/etc/os-release",
        "distribution_file_variety": family or name, "distribution_file_parsed": True,
    }  # fmt: skip


def _user(sections: Sections) -> Facts:
    name, uid, gid, home, shell = (lines_of(sections, "id") + [""] * 5)[:5]
    entry = ((lines_of(sections, "passwd") or [""])[0].split(":") + [""] * 7)[:7]
    number, group = int(uid or 0), int(gid or 0)
    return {
        "user_id": name, "user_uid": number, "user_gid": group, "user_gecos": entry[4],
        "user_dir": entry[5] or home, "user_shell": entry[6] or shell, "real_user_id": number,
        "effective_user_id": number, "real_group_id": group, "effective_group_id": group,
    }  # fmt: skip


def _time(sections: Sections) -> Facts:
    words = (lines_of(sections, "date") or [""])[0].split()
    facts: Facts = {}
    if len(words) == 8:
        day, clock, zone, offset, epoch, weekday, week, of_year = words
        year, month, date = day.split("-")
        hour, minute, second = clock.split(":")
        utc = datetime.fromtimestamp(int(epoch), UTC)
        names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
        facts["date_time"] = {
            "date": day, "time": clock, "tz": zone, "tz_offset": offset, "epoch": epoch, "epoch_int": epoch,
            "year": year, "month": month, "day": date, "hour": hour, "minute": minute, "second": second,
            "weekday": names[int(weekday) - 1], "weekday_number": str(int(weekday) % 7), "weeknumber": week,
            "day_of_year": of_year, "iso8601": utc.strftime("%Y-%m-%dT%H:%M:%SZ"), "tz_dst": zone,
            "iso8601_micro": utc.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "iso8601_basic": f"{year}{month}{date}T{hour}{minute}{second}000000",
            "iso8601_basic_short": f"{year}{month}{date}T{hour}{minute}{second}",
        }  # fmt: skip
    uptime = sections.get("uptime", "").split()
    if uptime:
        facts["uptime_seconds"] = int(float(uptime[0]))
    load = sections.get("loadavg", "").split()
    if len(load) > 2:
        facts["loadavg"] = {name: float(load[n]) for n, name in enumerate(("1m", "5m", "15m"))}
    return facts


def _processors(sections: Sections) -> Facts:
    online = int((lines_of(sections, "cpu") or ["1"])[0] or 1)
    rows = [line.partition(":") for line in lines_of(sections, "cpuinfo")]
    columns = [[value for key, _, value in rows if key == name] for name in _CPU]
    models = [value for row in zip_longest(*columns, fillvalue="") for value in row if value]
    packages = {value for key, _, value in rows if key == "physical id"}
    cores = next((int(value) for key, _, value in rows if key == "cpu cores"), online)
    siblings = next((int(value) for key, _, value in rows if key == "siblings"), cores)
    count = max(1, len(packages))
    return {
        "processor": models, "processor_count": count, "processor_cores": cores, "processor_nproc": online,
        "processor_threads_per_core": max(1, siblings // max(1, cores)), "processor_vcpus": online,
    }  # fmt: skip


def _memory(sections: Sections) -> Facts:
    values = {}
    for line in lines_of(sections, "meminfo"):
        name, _, rest = line.partition(":")
        number = rest.split()
        if number and number[0].isdigit():
            values[name] = int(number[0]) // 1024
    if "MemTotal" not in values:
        return {}
    total, free = values["MemTotal"], values.get("MemFree", 0)
    cached = values.get("Cached", 0) + values.get("Buffers", 0)
    swap, swap_free = values.get("SwapTotal", 0), values.get("SwapFree", 0)
    return {
        "memtotal_mb": total, "memfree_mb": free, "swaptotal_mb": swap, "swapfree_mb": swap_free,
        "memory_mb": {
            "real": {"total": total, "free": free, "used": total - free},
            "nocache": {"free": free + cached, "used": total - free - cached},
            "swap": {"total": swap, "free": swap_free, "used": swap - swap_free,
                     "cached": values.get("SwapCached", 0)},
        },
    }  # fmt: skip


def _services(sections: Sections) -> Facts:
    lines = lines_of(sections, "init")
    first = lines[0].strip() if lines else ""
    manager = {"systemd": "systemd", "init": "sysvinit", "openrc-init": "openrc", "launchd": "launchd"}.get(
        first, ""
    )
    if "systemd-runs" in lines:
        manager = "systemd"
    package = sections.get("manager", "").strip() or "unknown"
    selinux = sections.get("selinux", "").strip()
    if not selinux:
        state: Facts = {"status": "disabled"}
    elif selinux == "Disabled":
        state = {"status": "disabled"}
    else:
        state = {"status": "enabled", "mode": selinux.lower()}
    return {
        "service_mgr": manager or "service", "pkg_mgr": package, "selinux": state,
        "apparmor": {"status": sections.get("apparmor", "").strip() or "disabled"},
    }  # fmt: skip


def _dns(sections: Sections) -> Facts:
    dns: Facts = {}
    for line in lines_of(sections, "dns"):
        words = line.split("#")[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            dns.setdefault("nameservers", []).append(words[1])
        elif words[0] in ("search", "domain"):
            dns[words[0]] = words[1:] if words[0] == "search" else words[1]
        elif words[0] == "options":
            dns["options"] = {name: value or True for name, _, value in (w.partition(":") for w in words[1:])}
    return {"dns": dns}


def _mounts(sections: Sections) -> Facts:
    sizes = {row[-1]: row for line in lines_of(sections, "df")[1:] if len(row := line.split()) == 6}
    inodes = {row[-1]: row for line in lines_of(sections, "dfi")[1:] if len(row := line.split()) == 6}
    found = []
    for line in lines_of(sections, "mounts"):
        words = [word.encode().decode("unicode_escape") for word in line.split()]
        if len(words) < 4 or (not words[0].startswith("/") and ":/" not in words[0]) or words[2] == "none":
            continue
        entry: Facts = {
            "device": words[0], "mount": words[1], "fstype": words[2], "options": words[3], "dump": 0,
            "passno": 0,
        }  # fmt: skip
        size, inode = sizes.get(words[1]), inodes.get(words[1])
        if size is not None and size[1].isdigit():
            entry.update(size_total=int(size[1]) * 1024, size_available=int(size[3]) * 1024, block_size=1024)
            entry.update(block_total=int(size[1]), block_available=int(size[3]), block_used=int(size[2]))
        if inode is not None and inode[1].isdigit():
            entry.update(inode_total=int(inode[1]), inode_available=int(inode[3]), inode_used=int(inode[2]))
        found.append(entry)
    return {"mounts": found}


def _machine(sections: Sections) -> Facts:
    facts: Facts = {}
    for line in lines_of(sections, "dmi"):
        name, _, value = line.partition("=")
        facts[{"sys_vendor": "system_vendor"}.get(name, name)] = value.strip()
    identity = sections.get("machine", "").strip()
    if identity:
        facts["machine_id"] = identity
    words = lines_of(sections, "virt")
    kind = next((word for word in words if word not in ("none", "hypervisor")), "")
    facts["virtualization_type"] = {"systemd-nspawn": "systemd-nspawn", "microsoft": "VirtualPC"}.get(
        kind, kind or "NA"
    )
    facts["virtualization_role"] = "guest" if kind or "hypervisor" in words else "NA"
    line = sections.get("cmdline", "").strip()
    facts["cmdline"] = {
        key: value if equals else True for key, equals, value in (w.partition("=") for w in line.split())
    }
    return facts


def _environment(sections: Sections) -> Facts:
    pairs = (line.partition("=") for line in lines_of(sections, "env"))
    facts: Facts = {"env": {key: value for key, equals, value in pairs if equals}}
    lsb: Facts = {}
    for line in lines_of(sections, "lsb"):
        key, _, value = line.partition(":")
        name = {
            "Distributor ID": "id",
            "Description": "description",
            "Release": "release",
            "Codename": "codename",
        }.get(key)
        if name:
            lsb[name] = value.strip()
    if "release" in lsb:
        lsb["major_release"] = lsb["release"].partition(".")[0]
    facts["lsb"] = lsb
    for line in lines_of(sections, "sshkeys"):
        words = line.split()
        if len(words) > 2:
            facts[f"ssh_host_key_{words[0]}_public"] = words[2]
    return facts


def _local(sections: Sections) -> Facts:
    import configparser
    import json

    found: Facts = {}
    for part in sections.get("local", "").split("\002")[1:]:
        name, _, body = part.partition("\n")
        try:
            value: Any = json.loads(body)
        except ValueError:
            parser = configparser.ConfigParser()
            try:
                parser.read_string(body)
                value = {section: dict(parser.items(section)) for section in parser.sections()}
            except configparser.Error:
                value = f"error loading facts as JSON or ini - please check content: {name}"
        found[name.removesuffix(".fact")] = value
    return {"local": found}


_READERS: tuple[Callable[[Sections], Facts], ...] = (
    network, _kernel, _distribution, _user, _time, _processors, _memory, _services, _dns, _mounts, _machine,
    _environment, _local,
)  # fmt: skip
