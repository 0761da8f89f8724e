"""Which package manager a host has: one sh function, for the facts and for all modules about packages."""

from __future__ import annotations

MANAGER = r"""
hp_manager() { # prints its name, as the fact pkg_mgr has it, or unknown
  if command -v apt-get && { [ -e /etc/debian_version ] || ! command -v rpm; }; then hp_name=apt
  elif [ -d /etc/zypp ] && command -v zypper; then hp_name=zypper
  elif command -v dnf5; then hp_name=dnf5
  elif command -v dnf; then hp_name=dnf
  elif command -v yum; then hp_name=yum
  elif command -v zypper; then hp_name=zypper
  elif command -v pacman; then hp_name=pacman
  elif command -v apk; then hp_name=apk
  elif command -v emerge; then hp_name=portage
  elif command -v brew; then hp_name=homebrew
  elif command -v pkg; then hp_name=pkgng
  elif command -v pkg_add; then hp_name=openbsd_pkg
  else hp_name=unknown
  fi >/dev/null 2>&1
  printf '%s\n' "$hp_name"
}
"""

MODULE_OF = {
    "apt": "apt", "dnf": "dnf", "dnf4": "dnf", "dnf5": "dnf", "yum": "dnf", "yum4": "dnf", "apk": "apk",
}  # fmt: skip
"""Manager → the module that knows it. Others (zypper, pacman, …) are not supported."""


def unsupported(manager: str) -> str:
    """What is said of a host whose manager nobody here knows."""
    known = ", ".join(sorted(set(MODULE_OF.values())))
    if manager == "unknown":
        return f"the host has no package manager that is known here ({known})"
    return f"the package manager of the host, {manager}, is not supported ({known} are)"
