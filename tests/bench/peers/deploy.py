"""The same ten steps as play/site.yml, in pyinfra's words."""

from pathlib import Path

from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.operations import files, server

here = Path(__file__).parent.parent / "play"
base = f"{host.data.stay}/{host.name}"

files.directory(name="file", path=base, mode="755")
files.put(name="copy", src=str(here / "plain.txt"), dest=f"{base}/plain.txt", mode="644")
files.template(
    name="template",
    src=str(here / "conf.j2"),
    dest=f"{base}/conf",
    mode="600",
    inventory_hostname=host.name,
    ansible_user=host.data.ssh_user,
)
server.shell(name="command", commands=["uname -n"])
server.shell(name="shell", commands=[f"ls {base} | wc -l"])
found = host.get_fact(File, path=f"{base}/conf")
server.shell(name="when", commands=["true"])
files.line(name="lineinfile", path=f"{base}/conf", line="^host=.*", replace=f"host={host.name}")
for each in ("one", "two", "three"):
    files.directory(name=f"loop {each}", path=f"{base}/{each}", mode="750")
files.file(name="absent", path=f"{base}/nothing", present=False)
