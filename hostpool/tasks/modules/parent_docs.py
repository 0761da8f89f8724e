"""The docstrings of the modules that need no host, in the form of all the others."""

from __future__ import annotations

_ROLE = """
    name: the role
    tasks_from: another file of its tasks
    vars_from: another file of its vars
    defaults_from: another file of its defaults
    handlers_from: another file of its handlers
    allow_duplicates: run it though it has run already
    rolespec_validate: no effect: argument specs of roles are not validated
    public: its defaults and vars are there for what follows the role, too
"""

DOCS: dict[str, str] = {
    "debug": """debug: a message or a variable is shown.

Parameters:
    msg: what to say; "Hello world!" without it
    var: the name of a variable, or an expression, whose value is shown
    verbosity: shown only with that many -v
Returns: ``msg``, or the variable by its name
Source: ansible.builtin.debug of ansible-core 2.19.
""",
    "assert": """assert: conditions hold, or the task fails.

Parameters:
    that: one condition or a list of them
    fail_msg: what to say when one does not hold
    success_msg: what to say when all hold
    quiet: no effect: a condition that holds is not shown anyway
Returns: ``msg``, ``assertion``, ``evaluated_to``
Source: ansible.builtin.assert of ansible-core 2.19.
""",
    "fail": """fail: the task fails.

Parameters:
    msg: why
Returns: ``msg``
Source: ansible.builtin.fail of ansible-core 2.19.
""",
    "meta": """meta: the run itself is steered.

Parameters:
    action: what is to be done; it stands after the module's name
Returns: nothing
Differs: noop, refresh_inventory and reset_connection need nothing to be done.
Source: ansible.builtin.meta of ansible-core 2.19.
""",
    "set_fact": """set_fact: variables are set for the host.

Parameters:
    cacheable: they are facts too
Returns: ``ansible_facts``
Source: ansible.builtin.set_fact of ansible-core 2.19.
""",
    "include_vars": """include_vars: variables are read from files.

Parameters:
    file: one file
    dir: a directory, all of whose files are read in the order of their names
    name: the variables become one mapping of this name
    files_matching: only files whose name this regular expression finds
    ignore_files: regular expressions of names that are left out
    extensions: of the files that are read; yaml, yml and json by default
    depth: how deep in the directory; 0 for all of it
    ignore_unknown_extensions: files with other extensions are no mistake
Returns: ``ansible_included_var_files``, ``ansible_facts``
Source: ansible.builtin.include_vars of ansible-core 2.19.
""",
    "add_host": """add_host: a host is in the inventory, for the rest of the run.

Parameters:
    name: its name
    groups: the groups it joins
Returns: ``add_host``
Source: ansible.builtin.add_host of ansible-core 2.19.
""",
    "set_stats": """set_stats: numbers and texts about the run are shown at its end.

Parameters:
    data: their names and values
    per_host: they are of this host; else of the whole run
    aggregate: add to what is there; else take its place
Returns: ``ansible_stats``
Differs: they are always shown, and stand in the run_finished event and the document of -o json as ``stats``.
Source: ansible.builtin.set_stats of ansible-core 2.19.
""",
    "group_by": """group_by: the host is in a group whose name is made of its variables.

Parameters:
    key: the group's name
    parents: the groups it is in
Returns: ``add_group``, ``parent_groups``
Source: ansible.builtin.group_by of ansible-core 2.19.
""",
    "pause": """pause: some time passes.

Parameters:
    seconds: how long
    minutes: how long, in minutes
    prompt: what is shown; without seconds or minutes somebody at a terminal has to answer
    echo: whether what is typed can be seen
Returns: ``stdout``, ``rc``, ``echo``; ``user_input`` where somebody answered
Source: ansible.builtin.pause of ansible-core 2.19.
""",
    "include_tasks": """include_tasks: the tasks of a file run here, once the task's turn comes.

Parameters:
    file: the file
    apply: keywords for all of its tasks
Returns: nothing
Source: ansible.builtin.include_tasks of ansible-core 2.19.
""",
    "import_tasks": """import_tasks: the tasks of a file stand here, from the beginning.

Parameters:
    file: the file
Returns: nothing
Source: ansible.builtin.import_tasks of ansible-core 2.19.
""",
    "include_role": f"""include_role: a role runs here, once the task's turn comes.

Parameters:{_ROLE}    apply: keywords for all of its tasks
Returns: nothing
Source: ansible.builtin.include_role of ansible-core 2.19.
""",
    "import_role": f"""import_role: a role stands here, from the beginning.

Parameters:{_ROLE}Returns: nothing
Source: ansible.builtin.import_role of ansible-core 2.19.
""",
}
