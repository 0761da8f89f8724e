"""Fabric as its documentation has it: a ThreadingGroup over all hosts (it knows no bound)."""

from fabric import Config, Connection, ThreadingGroup
from spec import spec

config = Config(overrides={"load_ssh_configs": False})
settings = {"key_filename": spec["key"], "allow_agent": False, "look_for_keys": False}
group = ThreadingGroup.from_connections(
    Connection(each, user=spec["user"], port=spec["port"], connect_kwargs=settings, config=config)
    for each in spec["addresses"]
)
results = group.run(spec["command"], hide=spec["command"] == "true", in_stream=False)
assert all(result.ok for result in results.values())
group.close()
