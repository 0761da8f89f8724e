"""The sh program that prints what a host is, in one round trip.

Its output are sections, each begun by a line ``\\001name``. What a tool does not tell is absent.
"""

from __future__ import annotations

from hostpool.tasks.modules.package_managers import MANAGER

PROGRAM = (
    MANAGER
    + r"""
s() { printf '\001%s\n' "$1"; }
LC_ALL=C; export LC_ALL
s uname; uname -s; uname -r; uname -m; uname -n; uname -v
s hostname; hostname -f 2>/dev/null || uname -n
s domain; hostname -d 2>/dev/null
s release; cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null
s debian; cat /etc/debian_version 2>/dev/null
s redhat; cat /etc/redhat-release 2>/dev/null
s alpine; cat /etc/alpine-release 2>/dev/null
s id; id -un; id -u; id -g; printf '%s\n' "$HOME"; printf '%s\n' "$SHELL"
s passwd; getent passwd "$(id -un)" 2>/dev/null || grep "^$(id -un):" /etc/passwd
s date; date '+%Y-%m-%d %H:%M:%S %Z %z %s %u %V %j'
s cpu; getconf _NPROCESSORS_ONLN 2>/dev/null || nproc
s cpuinfo
for k in processor 'model name' vendor_id 'physical id' 'cpu cores' siblings; do
  sed -n "s/^\($k\)[[:space:]]*: */\1:/p" /proc/cpuinfo; done 2>/dev/null
s meminfo; cat /proc/meminfo 2>/dev/null
s uptime; cat /proc/uptime 2>/dev/null
s init; cat /proc/1/comm 2>/dev/null; [ -d /run/systemd/system ] && echo systemd-runs
s routes; ip -o route get 1.1.1.1 2>/dev/null; ip -o -6 route get 2606:4700::1 2>/dev/null
s addresses; ip -o addr show 2>/dev/null
s links; ip -o link show 2>/dev/null || for d in /sys/class/net/*; do
  printf '0: %s: mtu %s link/ether %s\n' "${d##*/}" "$(cat $d/mtu)" "$(cat $d/address)"; done 2>/dev/null
s dns; cat /etc/resolv.conf 2>/dev/null
s mounts; cat /proc/mounts 2>/dev/null
s df; df -kP 2>/dev/null
s dfi; df -iP 2>/dev/null
s selinux; getenforce 2>/dev/null
s apparmor; [ -d /sys/module/apparmor ] && echo enabled
s dmi
for n in product_name product_version sys_vendor bios_version bios_date product_serial product_uuid board_name
do
  [ -r /sys/class/dmi/id/$n ] && printf '%s=%s\n' "$n" "$(cat /sys/class/dmi/id/$n 2>/dev/null)"; done
s virt; systemd-detect-virt 2>/dev/null; [ -e /.dockerenv ] && echo docker
grep -q hypervisor /proc/cpuinfo 2>/dev/null && echo hypervisor
s manager; hp_manager
s python; command -v python3 2>/dev/null
s lsb; lsb_release -a 2>/dev/null
s machine; cat /etc/machine-id 2>/dev/null
s env; env
s sshkeys; for k in rsa ecdsa ed25519; do
  [ -r /etc/ssh/ssh_host_${k}_key.pub ] && printf '%s ' $k && cat /etc/ssh/ssh_host_${k}_key.pub
done 2>/dev/null
s local; for f in /etc/ansible/facts.d/*.fact; do [ -f "$f" ] || continue; printf '\002%s\n' "${f##*/}"
  if [ -x "$f" ]; then "$f"; else cat "$f"; fi; done 2>/dev/null
s cmdline; cat /proc/cmdline 2>/dev/null
s loadavg; cat /proc/loadavg 2>/dev/null
exit 0
"""
)

NAMES = frozenset(
    [
        "all_ipv4_addresses",
        "all_ipv6_addresses",
        "apparmor",
        "architecture",
        "bios_date",
        "bios_version",
        "board_name",
        "cmdline",
        "date_time",
        "default_ipv4",
        "default_ipv6",
        "devices",
        "distribution",
        "distribution_file_parsed",
        "distribution_file_path",
        "distribution_file_variety",
        "distribution_major_version",
        "distribution_release",
        "distribution_version",
        "dns",
        "domain",
        "effective_group_id",
        "effective_user_id",
        "env",
        "fqdn",
        "hostname",
        "interfaces",
        "kernel",
        "kernel_version",
        "loadavg",
        "local",
        "lsb",
        "machine",
        "machine_id",
        "memfree_mb",
        "memory_mb",
        "memtotal_mb",
        "mounts",
        "nodename",
        "os_family",
        "pkg_mgr",
        "processor",
        "processor_cores",
        "processor_count",
        "processor_nproc",
        "processor_threads_per_core",
        "processor_vcpus",
        "product_name",
        "product_serial",
        "product_uuid",
        "product_version",
        "python",
        "python_version",
        "real_group_id",
        "real_user_id",
        "selinux",
        "selinux_python_present",
        "service_mgr",
        "ssh_host_key_ecdsa_public",
        "ssh_host_key_ed25519_public",
        "ssh_host_key_rsa_public",
        "swapfree_mb",
        "swaptotal_mb",
        "system",
        "system_vendor",
        "uptime_seconds",
        "user_dir",
        "user_gecos",
        "user_gid",
        "user_id",
        "user_shell",
        "user_uid",
        "userspace_architecture",
        "userspace_bits",
        "virtualization_role",
        "virtualization_type",
    ]
)
"""Every fact there may be, without ``ansible_`` before it. Interfaces come besides, by their name."""
