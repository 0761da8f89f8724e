"""OpenSSH's files: ssh_config, known_hosts, keys and certificates. No paramiko, nothing slow on import."""
