"""
A real cluster for the tests, made and removed by one command: ``python -m e2e.cluster up`` and ``down``.

Two providers stand behind one interface (`providers.Provider`): `host` makes a single node on this Linux host, in
namespaces of its own and without Docker; `kind` makes one in Docker. Nothing outside Python's library is imported here.
"""
