"""Variables with a meaning of their own."""

from __future__ import annotations

_CONNECTION = """
    become become_exe become_flags become_method become_pass become_password become_user connection
    connection_timeout fact_path group_priority host host_key_checking kbdint_mode managed
    network_os password pipelining port private_key_file python_interpreter remote_tmp remote_user
    scp_executable scp_extra_args scp_if_ssh sftp_batch_mode sftp_executable sftp_extra_args
    shell_executable shell_type ssh_args ssh_common_args ssh_executable ssh_extra_args ssh_host
    ssh_host_key_checking ssh_pass ssh_passphrase ssh_password ssh_pipelining ssh_port
    ssh_private_key ssh_private_key_file ssh_retries ssh_timeout ssh_transfer_method ssh_user sudo
    sudo_exe sudo_flags sudo_pass su su_pass timeout user winrm_scheme winrm_transport
"""
CONNECTION_VARIABLES = frozenset(f"ansible_{name}" for name in _CONNECTION.split())
"""What Ansible's connection and become plugins read from an inventory."""

_INTERNAL = """
    ansible_async_path ansible_collection_name ansible_config_file ansible_dependent_role_names
    ansible_diff_mode ansible_facts ansible_forks ansible_inventory_sources ansible_limit
    ansible_play_batch ansible_play_hosts ansible_play_hosts_all ansible_play_role_names
    ansible_playbook_python ansible_role_name ansible_role_names ansible_run_tags ansible_skip_tags
    ansible_verbosity ansible_version inventory_dir inventory_file inventory_hostname
    inventory_hostname_short groups group_names hostvars playbook_dir play_hosts role_name
    role_names role_path role_uuid
"""
INTERNAL_VARIABLES = frozenset(_INTERNAL.split())
"""What ``ansible-inventory`` leaves out of its listings."""
