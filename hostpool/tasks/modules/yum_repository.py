"""yum_repository: a repository of dnf or yum is there with its settings, or gone.

Parameters:
    name: its id
    state: absent removes it, and the file if nothing else is in it
    file: the file without .repo; else it is named after the repository
    reposdir: the directory of the file
    description: its name for people
    baseurl: where it is
    mirrorlist: where a list of its mirrors is
    metalink: where a metalink is
    enabled: whether it is used
    gpgcheck: whether packages are checked
    gpgkey: where its keys are
    repo_gpgcheck: whether its lists are checked
    gpgcakey: where the key of the keys is
    async: whether downloads go on meanwhile
    bandwidth: bytes a second at most, for throttle
    cost: how expensive it is against others
    countme: whether the host is counted
    deltarpm_metadata_percentage: size of the lists of deltas from which they are not used
    deltarpm_percentage: size of a delta from which it is not used
    enablegroups: whether its groups are used
    exclude: packages that are left alone
    failovermethod: which of its addresses comes first
    http_caching: what proxies may keep
    include: a file of further settings
    includepkgs: the only packages that are used
    ip_resolve: the kind of addresses
    keepalive: whether connections are kept
    keepcache: whether packages are kept
    metadata_expire: how long its lists are current
    metadata_expire_filter: when that does not count
    mirrorlist_expire: how long the list of mirrors is current
    module_hotfixes: whether its packages count beside modules
    password: to log in with
    priority: against other repositories
    protect: whether its packages are not replaced by others
    proxy: the proxy to use
    proxy_password: to log in there with
    proxy_username: to log in there as
    retries: attempts
    s3_enabled: whether it is asked as S3
    skip_if_unavailable: whether it may be missing
    ssl_check_cert_permissions: whether files of certificates must be readable
    sslcacert: the authority of its certificate
    sslclientcert: the certificate to show
    sslclientkey: its key
    sslverify: whether its certificate is checked
    throttle: how much of bandwidth is used
    timeout: seconds to wait
    ui_repoid_vars: variables that are shown in its id
    username: to log in as
    mode: of the file
    owner: of the file
    group: of the file
    unsafe_writes: write in place where the file cannot be replaced (a mount point)
Returns: ``repo``, ``state``, ``diff``.
Needs: stat, cat, mv, chmod, chown; no dnf.
Differs: a directory that is missing is made.
Source: ansible.builtin.yum_repository of ansible-core 2.19, man page dnf.conf(5).
"""

from __future__ import annotations

import configparser
import io
import posixpath
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps, change, require
from hostpool.tasks.modules.editing import FILE, LABELS, edited, look
from hostpool.tasks.modules.spec import Param, Spec

_LISTS = {"baseurl": "\n", "gpgkey": "\n", "exclude": " ", "includepkgs": " "}
_BOOLS = (
    "async", "countme", "enabled", "enablegroups", "gpgcheck", "keepalive", "module_hotfixes", "protect",
    "repo_gpgcheck", "s3_enabled", "skip_if_unavailable", "ssl_check_cert_permissions",
)  # fmt: skip
_TEXTS = (
    "bandwidth", "cost", "deltarpm_metadata_percentage", "deltarpm_percentage", "gpgcakey", "include",
    "metadata_expire", "metalink", "mirrorlist", "mirrorlist_expire", "password", "priority", "proxy",
    "proxy_password", "proxy_username", "retries", "throttle", "timeout", "ui_repoid_vars", "username",
)  # fmt: skip
_SETTINGS: Mapping[str, Param] = {
    **{name: Param() for name in _TEXTS},
    **{name: Param("bool") for name in _BOOLS},
    "baseurl": Param("list"),
    "gpgkey": Param("list"),
    "exclude": Param("list", aliases=("excludepkgs",)),
    "includepkgs": Param("list"),
    "failovermethod": Param(choices=("roundrobin", "priority")),
    "http_caching": Param(choices=("all", "packages", "none")),
    "ip_resolve": Param(choices=("4", "6", "IPv4", "IPv6", "whatever")),
    "keepcache": Param(choices=("0", "1")),
    "metadata_expire_filter": Param(
        choices=("never", "read-only:past", "read-only:present", "read-only:future")
    ),
    "sslcacert": Param(aliases=("ca_cert",)),
    "sslclientcert": Param(aliases=("client_cert",)),
    "sslclientkey": Param(aliases=("client_key",)),
    "sslverify": Param("bool", aliases=("validate_certs",)),
}


def yum_repository(args: Mapping[str, Any], mode: Mode) -> Steps:
    name, present = args["name"], args["state"] == "present"
    if present and args["description"] is None:
        raise ModuleFailed("state is present but all of the following are missing: description")
    if present and not any(args[each] for each in ("baseurl", "mirrorlist", "metalink")):
        raise ModuleFailed(
            "state is present but any of the following are missing: baseurl, mirrorlist, metalink"
        )
    if "]" in name or not name.isprintable():
        raise ModuleFailed(f"{name!r} cannot be the id of a repository")
    path = posixpath.join(args["reposdir"], f"{args['file'] or name}.repo")
    found = yield from look(path)
    before, after = _parsed(found.text, path), _parsed(found.text, path)
    after.remove_section(name)
    if present:
        after.add_section(name)
        for key, value in sorted(_values(args).items()):
            after.set(name, key, value)
    told = {"repo": name, "state": args["state"]}
    if not after.sections() and before.sections():
        diff = {"diff": {"before": found.text, "after": ""}} if mode.diff else {}
        done = yield from change('rm -f -- "$1"\n', path, foretells={"changed": True, **told, **diff})
        require(done, f"{path} cannot be removed")
        return {"changed": True, **told, **diff}
    if not found.info.exists and not present:
        return {"changed": False, **told}
    content = found.content
    if _sorted(before) != _sorted(after):
        file = io.StringIO()
        after.write(file)
        content = file.getvalue().encode("utf-8", "surrogateescape")
    result = yield from edited(args, mode, found, content, "", told)
    return {key: value for key, value in result.items() if key in ("changed", "repo", "state", "diff")}


def _parsed(text: str, path: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text, path)
    except configparser.Error as error:
        raise ModuleFailed(f"{path} cannot be read: {error}") from error
    return parser


def _sorted(parser: configparser.RawConfigParser) -> dict[str, dict[str, str]]:
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _values(args: Mapping[str, Any]) -> dict[str, str]:
    """The settings by their names in the file; a description is called name there."""
    found = {"name": args["description"]}
    for key in _SETTINGS:
        value = args[key]
        if isinstance(value, list):
            found[key] = _LISTS[key].join(map(str, value))
        elif value is not None:
            found[key] = str(int(value)) if isinstance(value, bool) else str(value)
    return found


MODULES = {
    "yum_repository": Module(
        Spec(
            "yum_repository",
            {
                "name": Param(required=True),
                "state": Param(default="present", choices=("absent", "present")),
                "file": Param(),
                "reposdir": Param("path", "/etc/yum.repos.d"),
                "description": Param(),
                **_SETTINGS,
                **FILE,
            },
            refused=LABELS,
        ),
        yum_repository,
    )
}
