"""An embedded fleet of real SSH servers on 127.0.0.1, to try hostpool without a machine at hand.

Only the server modules, which run in a process of their own, import paramiko::

    fleet       what the CLI and tests use: starts and ends that process
    leftovers   ends what a fleet's hosts started, found by a marker
    company     which hosts there are, their groups, what is special about each
    scripts     commands that answer in character: real scripts on the hosts' PATH
    server      the process: sockets, temporary directory, end
    layout      the files of a fleet: keys, known_hosts, inventory, homes
    connection  one SSH connection: login and channel requests
    command     one running command
    files       SFTP
"""

from hostpool.demo.fleet import Fleet

__all__ = ["Fleet"]
